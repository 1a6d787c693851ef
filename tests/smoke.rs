//! Temporary: walks one kind through its verbs against an endpoint, with literal values.
//! SMOKE=file.toml SMOKE_KIND=sns_topic AWS_ENDPOINT_URL=… cargo test --test smoke -- --nocapture
use dwctl::aws::{Options, Session, Tags};
use dwctl::kind::*;
use dwctl::schema::{normalize, validate};
use dwctl::value::Value;

fn overlay(base: &Value, step: &toml::Value) -> Value {
    let mut map = base.as_map().cloned().unwrap_or_default();
    if let Some(set) = step.get("set") {
        let json = serde_json::to_value(set).unwrap();
        for (name, value) in json.as_object().unwrap() {
            map.insert(name.clone(), Value::from_json(value));
        }
    }
    for name in step.get("remove").and_then(|r| r.as_array()).into_iter().flatten() {
        map.remove(name.as_str().unwrap());
    }
    Value::Map(map)
}

/// Desired with what the engine overlays: AWS_DEFAULT-absent, LOCAL and WRITE_ONLY fields.
fn overlaid(kind: &dyn ErasedKind, want: &Value, live: &Value) -> (Value, Value) {
    let (mut want, mut live) = (want.as_map().cloned().unwrap(), live.as_map().cloned().unwrap());
    for (name, field) in kind.schema().spec.fields().unwrap() {
        if field.marks.aws_default && !want.contains_key(name) {
            if let Some(value) = live.get(name) {
                want.insert(name.clone(), value.clone());
            }
        }
        if field.marks.unreadable() {
            match want.get(name) {
                Some(value) => {
                    live.insert(name.clone(), value.clone());
                }
                None => {
                    live.remove(name);
                }
            }
        }
    }
    (Value::Map(want), Value::Map(live))
}

async fn read(kind: &dyn ErasedKind, cx: &dwctl::aws::Cx, id: &str, want: &Value) -> Option<ErasedLive> {
    for _ in 0..100 {
        let wanted = Wanted {
            id: id.to_owned(),
            attributes: Some(want.as_map().unwrap().keys().cloned().collect()),
            spec: want.clone(),
        };
        let live = kind.read_many(cx, &[wanted]).await.remove(0).expect("read");
        match live {
            Some(live) if matches!(live.state, State::Busy(_)) => {
                tokio::time::sleep(std::time::Duration::from_millis(200)).await
            }
            Some(mut live) => {
                live.spec = normalize(&kind.schema().spec, live.spec);
                return Some(live);
            }
            None => return None,
        }
    }
    panic!("never ready");
}

async fn converge(kind: &dyn ErasedKind, cx: &dwctl::aws::Cx, id: &str, want: &Value) -> ErasedLive {
    let mut live = read(kind, cx, id, want).await.expect("exists");
    for round in 0..3 {
        let (to, from) = overlaid(kind, want, &live.spec);
        if to == from {
            println!("  equal after {round} updates");
            return live;
        }
        for (name, _) in kind.schema().spec.fields().unwrap() {
            if to.get(name) != from.get(name) {
                println!("  differs: {name}: live {:?} want {:?}", from.get(name), to.get(name));
            }
        }
        kind.update(cx, id, &from, &to).await.expect("update");
        live = read(kind, cx, id, want).await.expect("exists");
    }
    let (to, from) = overlaid(kind, want, &live.spec);
    assert_eq!(to, from, "did not converge");
    live
}

#[test]
fn smoke() {
    let Ok(path) = std::env::var("SMOKE") else { return };
    let kind = dwctl::kinds::kind(&std::env::var("SMOKE_KIND").unwrap()).expect("kind");
    let steps: toml::Value = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = Options {
            endpoint_url: std::env::var("AWS_ENDPOINT_URL").ok(),
            sandbox: true,
            ..Default::default()
        };
        let session = Session::connect(options, "us-east-1").await.expect("connect");
        let cx = session.cx("us-east-1");
        let owner =
            Owner { stack: "smoke".into(), env: "dev".into(), address: format!("{}.example", kind.name()) };
        let mut tags: Tags = owner.tags();
        tags.insert("team".into(), "data".into());
        let mut raw = Value::from_json(&serde_json::to_value(&steps["create"]).unwrap());
        let node = &kind.schema().spec;
        let faults = validate(node, &raw, kind.name());
        assert!(faults.is_empty(), "{faults:#?}");
        let problems = kind.check(Known(&raw));
        assert!(problems.is_empty(), "{problems:#?}");
        let mut want = normalize(node, raw.clone());
        println!(
            "identity {:?}\nforeseen {:?}",
            kind.identity(Known(&want), &cx.scope),
            kind.foresee(Known(&want), &cx.scope)
        );
        let mut id = kind
            .create(&cx, &want, Birth { tags: &tags, token: "3c1f3d0e-7b1c-4d55-9a52-2f3d1b9b0001" })
            .await
            .expect("create");
        println!("created {id}");
        if kind.identity(Known(&want), &cx.scope) == Identity::Assigned && kind.taggable() {
            assert_eq!(kind.find(&cx, &owner, &want).await.expect("find"), Some(id.clone()), "find");
        }
        let live = converge(kind, &cx, &id, &want).await;
        println!("attrs {:?}", live.attrs);
        for (name, value) in kind.foresee(Known(&want), &cx.scope).0 {
            assert_eq!(live.attrs.get(&name), Some(&value), "foreseen {name}");
        }
        if kind.taggable() {
            assert_eq!(live.tags, tags, "tags");
            kind.tag(&cx, &id, &live.attrs, &Tags::from([("new".into(), "1".into())]), &["team".into()])
                .await
                .expect("tag");
            let after = read(kind, &cx, &id, &want).await.unwrap();
            assert!(after.tags.contains_key("new") && !after.tags.contains_key("team"), "{:?}", after.tags);
        }
        for step in steps.get("change").and_then(|c| c.as_array()).into_iter().flatten() {
            println!("change {step}");
            raw = overlay(&raw, step);
            let faults = validate(node, &raw, kind.name());
            assert!(faults.is_empty(), "{faults:#?}");
            want = normalize(node, raw.clone());
            converge(kind, &cx, &id, &want).await;
        }
        for step in steps.get("replace").and_then(|c| c.as_array()).into_iter().flatten() {
            println!("replace {step}");
            raw = overlay(&raw, step);
            let live = read(kind, &cx, &id, &want).await.unwrap();
            kind.delete(&cx, &id, &overlaid(kind, &want, &live.spec).0).await.expect("delete");
            assert!(read(kind, &cx, &id, &want).await.is_none(), "not gone");
            want = normalize(node, raw.clone());
            id = kind
                .create(&cx, &want, Birth { tags: &tags, token: "3c1f3d0e-7b1c-4d55-9a52-2f3d1b9b0002" })
                .await
                .expect("create");
            converge(kind, &cx, &id, &want).await;
        }
        let live = read(kind, &cx, &id, &want).await.unwrap();
        kind.delete(&cx, &id, &overlaid(kind, &want, &live.spec).0).await.expect("delete");
        assert!(read(kind, &cx, &id, &want).await.is_none(), "not gone");
        kind.delete(&cx, &id, &live.spec).await.expect("delete again: gone is success");
        println!("{:#?}", session.bill());
    });
}
