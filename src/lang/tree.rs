//! The tree of a parsed template, in which functions are looked up, places are resolved, and names
//! that a `for` binds are distinguished from references.

use hcl_edit::expr::{BinaryOperator, UnaryOperator};

use super::Reference;
use super::functions::Function;
use crate::diag::Span;
use crate::value::Value;

/// The content of a template.
#[derive(Clone, Debug)]
pub(super) enum Content {
    /// A text without expressions.
    Literal(String),
    Parts {
        parts: Vec<Part>,
        references: Vec<Reference>,
    },
}

/// An expression with its place.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) span: Span,
    pub(super) expression: Expression,
}

/// The content of a [`Node`].
#[derive(Clone, Debug)]
pub(super) enum Expression {
    Literal(Value),
    Template(Vec<Part>),
    List(Vec<Node>),
    /// In the order of the text; the last of equal keys wins.
    Map(Vec<(Node, Node)>),
    Reference(Box<Reference>),
    /// A name that an enclosing `for` binds.
    Bound(String),
    Access(Box<Access>),
    Conditional(Box<Conditional>),
    Unary(UnaryOperator, Box<Node>),
    Binary(BinaryOperator, Box<(Node, Node)>),
    Call(Box<Call>),
    /// `try(…)`: the first argument that can be evaluated.
    Try(Vec<Node>),
    /// `can(…)`: true if the argument can be evaluated.
    Can(Box<Node>),
    For(Box<For>),
}

/// Steps into a value that must be evaluated first.
#[derive(Clone, Debug)]
pub(super) struct Access {
    pub(super) base: Node,
    pub(super) steps: Vec<AccessStep>,
}

/// One of these steps.
#[derive(Clone, Debug)]
pub(super) enum AccessStep {
    /// `.name`
    Attribute(String, Span),
    /// `[expression]`
    Index(Node),
    /// `.*`: the following attributes are taken from every item.
    AttributeSplat,
    /// `[*]`: all following steps are taken from every item.
    FullSplat,
}

/// `condition ? then : otherwise`
#[derive(Clone, Debug)]
pub(super) struct Conditional {
    pub(super) condition: Node,
    pub(super) then: Node,
    pub(super) otherwise: Node,
}

/// A call of a function other than `try` and `can`.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) function: &'static Function,
    pub(super) arguments: Vec<Node>,
    /// True if the last argument is a list of arguments: `f(list...)`.
    pub(super) expand: bool,
}

/// The names that a `for` binds, and its collection.
#[derive(Clone, Debug)]
pub(super) struct Loop {
    pub(super) key: Option<String>,
    pub(super) value: String,
    pub(super) collection: Node,
}

/// `[for … : value]` or, with a key, `{for … : key => value}`
#[derive(Clone, Debug)]
pub(super) struct For {
    pub(super) over: Loop,
    pub(super) key: Option<Node>,
    pub(super) value: Node,
    pub(super) condition: Option<Node>,
    /// `value...`: values with the same key are collected in a list.
    pub(super) grouping: bool,
}

/// One part of a template.
#[derive(Clone, Debug)]
pub(super) enum Part {
    Literal(String),
    Value(Node),
    If(Box<IfPart>),
    For(Box<ForPart>),
}

/// `%{ if condition }then%{ else }otherwise%{ endif }`
#[derive(Clone, Debug)]
pub(super) struct IfPart {
    pub(super) condition: Node,
    pub(super) then: Vec<Part>,
    pub(super) otherwise: Vec<Part>,
}

/// `%{ for value in collection }body%{ endfor }`
#[derive(Clone, Debug)]
pub(super) struct ForPart {
    pub(super) over: Loop,
    pub(super) body: Vec<Part>,
}
