//! Lists the files of the local AWS, so that a new one is embedded without being named anywhere: see
//! `src/sandbox/install.rs`.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("src/sandbox/emulator");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut entries = Vec::new();
    for file in fs::read_dir(folder)? {
        let (path, name) = file.map(|file| (file.path(), file.file_name()))?;
        // The self-check is run by a test, from the source tree.
        if path.extension().is_some_and(|extension| extension == "py") && name != "selfcheck.py" {
            entries.push(format!("    ({name:?}, include_str!({path:?})),\n"));
        }
    }
    entries.sort();
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("scripts.rs"), format!("&[\n{}]", entries.concat()))?;
    Ok(())
}
