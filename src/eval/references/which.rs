//! The instances that a reference uses, as far as they are known before evaluation.

use std::fmt::Write as _;
use std::rc::Rc;

use crate::graph::{ModulePath, ModuleStep};
use crate::lang::{Reference, Step, descend};
use crate::value::Value;

/// The instances of a declaration or of a module that a reference uses.
#[derive(Clone, Debug)]
pub(in crate::eval) enum Which {
    All,
    /// The module instance that the reference is in.
    Same,
    /// The only one, which has no key.
    Only,
    Key(String),
    /// The one whose key is this part of an `each`.
    Each(Rc<Reference>, EachOf),
}

/// The `each` that a reference means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::eval) enum EachOf {
    /// That of the resource.
    Resource,
    /// That of a module that the resource is in, by its depth.
    Module(usize),
}

/// The meaning of `each` in an expression.
#[derive(Clone, Debug)]
pub(in crate::eval) enum Each {
    /// There is none.
    None,
    /// That of the resource.
    Resource,
    /// That of the module at this depth, whose key is known as this.
    Module(Which, usize),
}

/// The values of `each`, as far as they are known: that of the resource, and those of its modules.
pub(in crate::eval) struct EachValues<'e> {
    pub(in crate::eval) resource: Option<&'e Value>,
    pub(in crate::eval) module: &'e dyn Fn(usize) -> Option<Value>,
}

impl Which {
    /// The instance that whose key is exactly the key of `each`.
    pub(in crate::eval) fn each_key(span: crate::diag::Span) -> Self {
        let steps = vec![Step::Attribute("key".to_owned())];
        Self::Each(Rc::new(Reference { root: "each".to_owned(), steps, span }), EachOf::Resource)
    }

    /// The key of the only instance; `None` if there may be others.
    pub(in crate::eval) fn key(&self, each: &EachValues<'_>) -> Option<String> {
        match self {
            Self::All | Self::Same | Self::Only => None,
            Self::Key(key) => Some(key.clone()),
            Self::Each(part, of) => {
                let module;
                let value = match of {
                    EachOf::Resource => each.resource?,
                    EachOf::Module(depth) => {
                        module = (each.module)(*depth)?;
                        &module
                    }
                };
                match descend(value, part, 0) {
                    (Value::String(key), taken) if taken == part.steps.len() => Some(key),
                    (Value::Number(key), taken) if taken == part.steps.len() => Some(key.to_string()),
                    _ => None,
                }
            }
        }
    }

    /// The same, seen by a resource for which `each` means this.
    pub(in crate::eval) fn seen(&self, each: &Each) -> Self {
        let Self::Each(part, EachOf::Resource) = self else { return self.clone() };
        let is_key = part.steps.len() == 1 && part.name(0) == Some("key");
        match each {
            Each::None => Self::All,
            Each::Resource => self.clone(),
            Each::Module(Self::Same, depth) => Self::Each(Rc::clone(part), EachOf::Module(*depth)),
            Each::Module(known @ (Self::Key(_) | Self::Each(..)), _) if is_key => known.clone(),
            Each::Module(..) => Self::All,
        }
    }

    /// A text that is equal for equal ones.
    fn write(&self, text: &mut String) {
        let _ = match self {
            Self::All => write!(text, "*;"),
            Self::Same => write!(text, "=;"),
            Self::Only => write!(text, "1;"),
            Self::Key(key) => write!(text, "{key:?};"),
            Self::Each(part, of) => write!(text, "{part}{of:?};"),
        };
    }

    pub(in crate::eval) fn text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }
}

/// The instances of a module that a reference uses: one choice for each step of its path.
#[derive(Clone, Debug)]
pub(in crate::eval) struct At(Rc<[Which]>);

impl At {
    /// The module instance that a reference at this depth is in.
    pub(in crate::eval) fn same(depth: usize) -> Self {
        Self(vec![Which::Same; depth].into())
    }

    pub(in crate::eval) fn child(&self, which: Which) -> Self {
        Self(self.0.iter().cloned().chain([which]).collect())
    }

    /// The module around it, and the choice of the last step.
    pub(in crate::eval) fn split_last(&self) -> Option<(Self, Which)> {
        let (last, before) = self.0.split_last()?;
        Some((Self(before.into()), last.clone()))
    }

    fn is_same(&self) -> bool {
        self.0.iter().all(|one| matches!(one, Which::Same))
    }

    /// A text that is equal for equal ones, and empty for the module of the reference itself.
    pub(in crate::eval) fn text(&self) -> String {
        let mut text = String::new();
        if !self.is_same() {
            self.0.iter().for_each(|one| one.write(&mut text));
        }
        text
    }

    /// Returns whether it includes the instance at `path`, seen by a resource in `own`.
    pub(in crate::eval) fn includes(
        &self,
        path: &ModulePath,
        own: &ModulePath,
        each: &EachValues<'_>,
    ) -> bool {
        self.0.iter().zip(path.steps()).enumerate().all(|(at, (which, step))| match which {
            Which::All => true,
            Which::Only => step.key.is_none(),
            Which::Same => own.steps().get(at).is_some_and(|own| own.key == step.key),
            Which::Key(key) => step.key.as_ref() == Some(key),
            Which::Each(..) => which.key(each).is_none_or(|key| step.key == Some(key)),
        })
    }

    /// The path of the only instance, whose modules have these names, seen by a resource in `own`; `None`
    /// if there may be others.
    pub(in crate::eval) fn path<'n>(
        &self,
        names: impl Iterator<Item = &'n str>,
        own: &ModulePath,
        each: &EachValues<'_>,
    ) -> Option<ModulePath> {
        if self.is_same() && self.0.len() == own.steps().len() {
            return Some(own.clone());
        }
        let steps = self.0.iter().zip(names).enumerate().map(|(at, (which, name))| {
            let key = match which {
                Which::All => return None,
                Which::Only => None,
                Which::Same => own.steps().get(at)?.key.clone(),
                Which::Key(key) => Some(key.clone()),
                Which::Each(..) => Some(which.key(each)?),
            };
            Some(ModuleStep { name: name.to_owned(), key })
        });
        steps.collect::<Option<Vec<_>>>().map(ModulePath::of)
    }
}
