//! Checks the syntax of JSONata (<https://docs.jsonata.org/overview>) without running expressions: the
//! tokens and their order.

/// Maximum depth of nesting that is checked; anything deeper passes.
const DEEPEST: usize = 200;

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Name(String),
    Variable,
    /// A text, a number, a regular expression, `true`, `false` or `null`.
    Literal,
    Operator(&'static str),
    End,
}

/// Operators. A longer one precedes its prefixes.
const OPERATORS: [&str; 34] = [
    "**", "..", ":=", "!=", "<=", ">=", "~>", "?:", "??", ".", "[", "]", "{", "}", "(", ")", ",", "@", "#",
    ";", ":", "?", "+", "-", "*", "/", "%", "|", "=", "<", ">", "^", "&", "!",
];

/// The white space of JSONata. A non-breaking space is part of a name.
const SPACES: [char; 5] = [' ', '\t', '\n', '\r', '\u{b}'];

/// The left binding power of an operator; 0 if it ends an expression.
fn power(operator: &str) -> u8 {
    match operator {
        "[" | "(" | "@" | "#" => 80,
        "." => 75,
        "{" => 70,
        "*" | "/" | "%" => 60,
        "+" | "-" | "&" => 50,
        "=" | "<" | ">" | "^" | "!=" | "<=" | ">=" | "~>" | "?:" | "??" | "in" => 40,
        "and" => 30,
        "or" => 25,
        "?" => 20,
        ":=" => 10,
        _ => 0,
    }
}

/// Checks whether an expression, without its `{%` and `%}`, can be parsed.
///
/// # Errors
/// The problem, as one sentence without a full stop.
pub(super) fn check(expression: &str) -> Result<(), String> {
    let mut parser = Parser { rest: expression, token: Token::End, depth: 0 };
    parser.advance(false)?;
    match parser.expression(0) {
        Err(Fault::TooDeep) => Ok(()),
        Err(Fault::Wrong(why)) => Err(why),
        Ok(_) if parser.token == Token::End => Ok(()),
        Ok(_) => Err(parser.unexpected()),
    }
}

enum Fault {
    Wrong(String),
    TooDeep,
}

impl From<String> for Fault {
    fn from(why: String) -> Self {
        Self::Wrong(why)
    }
}

/// The kind of an expression, as far as the next tokens depend on it.
#[derive(PartialEq)]
enum Kind {
    Variable,
    /// `function` or `λ`, which begins a definition.
    Function,
    Other,
}

struct Parser<'a> {
    rest: &'a str,
    token: Token,
    depth: usize,
}

impl Parser<'_> {
    fn unexpected(&self) -> String {
        match &self.token {
            Token::End => "it ends before it is complete".to_owned(),
            Token::Operator(operator) => format!("`{operator}` is not expected there"),
            Token::Name(name) => format!("`{name}` is not expected there"),
            Token::Variable => "a variable is not expected there".to_owned(),
            Token::Literal => "a value is not expected there".to_owned(),
        }
    }

    /// Reads the next token. With `infix`, an operator may follow, and `/` begins no regular expression.
    fn advance(&mut self, infix: bool) -> Result<(), String> {
        self.token = self.next(infix)?;
        Ok(())
    }

    fn next(&mut self, infix: bool) -> Result<Token, String> {
        loop {
            self.rest = self.rest.trim_start_matches(SPACES);
            let Some(after) = self.rest.strip_prefix("/*") else { break };
            let (_, after) = after.split_once("*/").ok_or("a comment has no end")?;
            self.rest = after;
        }
        let Some(first) = self.rest.chars().next() else { return Ok(Token::End) };
        match first {
            '/' if !infix => return self.regex(),
            '"' | '\'' => return self.text(first),
            '`' => {
                let (name, after) = self
                    .rest
                    .get(1..)
                    .and_then(|rest| rest.split_once('`'))
                    .ok_or("a name has no closing `")?;
                let name = Token::Name(name.to_owned());
                self.rest = after;
                return Ok(name);
            }
            '0'..='9' => return Ok(self.number()),
            '~' if !self.rest.starts_with("~>") => return Err("there is no operator `~`".to_owned()),
            _ => {}
        }
        if let Some(operator) = OPERATORS.iter().find(|operator| self.rest.starts_with(**operator)) {
            self.rest = self.rest.get(operator.len()..).unwrap_or_default();
            return Ok(Token::Operator(operator));
        }
        let is_end = |one: char| {
            SPACES.contains(&one) || OPERATORS.iter().any(|operator| operator.starts_with(one)) || one == '~'
        };
        let end = self
            .rest
            .char_indices()
            .skip(1)
            .find(|(_, one)| is_end(*one))
            .map_or(self.rest.len(), |(at, _)| at);
        let (word, after) = self.rest.split_at(end);
        self.rest = after;
        Ok(match word {
            "and" => Token::Operator("and"),
            "or" => Token::Operator("or"),
            "in" => Token::Operator("in"),
            "true" | "false" | "null" => Token::Literal,
            word if word.starts_with('$') => Token::Variable,
            word => Token::Name(word.to_owned()),
        })
    }

    fn number(&mut self) -> Token {
        let bytes = self.rest.as_bytes();
        let digits = |mut at: usize| {
            while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                at += 1;
            }
            at
        };
        // A number has no leading zero.
        let mut end = if bytes.first() == Some(&b'0') { 1 } else { digits(0) };
        // `1..5` is a range, so its first dot ends the number.
        if bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
            end = digits(end + 1);
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            if bytes.get(end + 1 + sign).is_some_and(u8::is_ascii_digit) {
                end = digits(end + 1 + sign);
            }
        }
        self.rest = self.rest.get(end..).unwrap_or_default();
        Token::Literal
    }

    fn text(&mut self, quote: char) -> Result<Token, String> {
        let mut letters = self.rest.char_indices().skip(1);
        while let Some((at, letter)) = letters.next() {
            if letter == quote {
                self.rest = self.rest.get(at + 1..).unwrap_or_default();
                return Ok(Token::Literal);
            }
            if letter == '\\' {
                match letters.next() {
                    Some((_, 'u')) => {
                        if !(0..4).all(|_| letters.next().is_some_and(|(_, digit)| digit.is_ascii_hexdigit()))
                        {
                            return Err("`\\u` is followed by four hexadecimal digits".to_owned());
                        }
                    }
                    Some((_, '"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't')) => {}
                    Some((_, other)) => return Err(format!("there is no escape `\\{other}`")),
                    None => break,
                }
            }
        }
        Err(format!("a text has no closing {quote}"))
    }

    fn regex(&mut self) -> Result<Token, String> {
        let mut depth = 0_i32;
        let mut escaped = false;
        for (at, letter) in self.rest.char_indices().skip(1) {
            match letter {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '/' if depth <= 0 => {
                    let after = self.rest.get(at + 1..).unwrap_or_default();
                    self.rest = after.trim_start_matches(['i', 'm']);
                    return Ok(Token::Literal);
                }
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth -= 1,
                _ => {}
            }
        }
        Err("a regular expression has no closing /".to_owned())
    }

    /// Skips the token if it is this operator, and returns whether it was.
    fn take(&mut self, operator: &str, infix: bool) -> Result<bool, Fault> {
        let is_it = self.token
            == Token::Operator(OPERATORS.iter().find(|one| **one == operator).copied().unwrap_or(""));
        if is_it {
            self.advance(infix)?;
        }
        Ok(is_it)
    }

    fn require(&mut self, operator: &str, infix: bool) -> Result<(), Fault> {
        if self.take(operator, infix)? {
            return Ok(());
        }
        Err(Fault::Wrong(match &self.token {
            Token::End => format!("a `{operator}` is missing at its end"),
            _ => format!("a `{operator}` is missing before what follows: {}", self.unexpected()),
        }))
    }

    fn expression(&mut self, least: u8) -> Result<Kind, Fault> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Fault::TooDeep);
        }
        let mut left = self.prefix()?;
        while let Token::Operator(operator) = self.token {
            if power(operator) <= least {
                break;
            }
            self.advance(false)?;
            left = self.infix(operator, &left)?;
        }
        self.depth -= 1;
        Ok(left)
    }

    fn prefix(&mut self) -> Result<Kind, Fault> {
        let token = self.token.clone();
        match token {
            Token::Name(name) => {
                self.advance(true)?;
                Ok(if name == "function" || name == "λ" { Kind::Function } else { Kind::Other })
            }
            Token::Variable => {
                self.advance(true)?;
                Ok(Kind::Variable)
            }
            Token::Literal | Token::Operator("and" | "or" | "in" | "*" | "**" | "%") => {
                self.advance(true)?;
                Ok(Kind::Other)
            }
            Token::Operator("-") => {
                self.advance(false)?;
                self.expression(70)?;
                Ok(Kind::Other)
            }
            Token::Operator("(") => {
                self.advance(false)?;
                while self.token != Token::Operator(")") {
                    self.expression(0)?;
                    if !self.take(";", false)? {
                        break;
                    }
                }
                self.require(")", true)?;
                Ok(Kind::Other)
            }
            Token::Operator("[") => {
                self.advance(false)?;
                if self.token != Token::Operator("]") {
                    loop {
                        self.expression(0)?;
                        if self.take("..", false)? {
                            self.expression(0)?;
                        }
                        if !self.take(",", false)? {
                            break;
                        }
                    }
                }
                self.require("]", true)?;
                Ok(Kind::Other)
            }
            Token::Operator("{") => {
                self.advance(false)?;
                self.members()
            }
            Token::Operator("|") => {
                self.advance(false)?;
                self.expression(20)?;
                self.require("|", false)?;
                self.expression(20)?;
                if self.take(",", false)? {
                    self.expression(20)?;
                }
                self.require("|", true)?;
                Ok(Kind::Other)
            }
            _ => Err(Fault::Wrong(self.unexpected())),
        }
    }

    /// Parses the members of an object, after its `{`.
    fn members(&mut self) -> Result<Kind, Fault> {
        if self.token != Token::Operator("}") {
            loop {
                self.expression(0)?;
                self.require(":", false)?;
                self.expression(0)?;
                if !self.take(",", false)? {
                    break;
                }
            }
        }
        self.require("}", true)?;
        Ok(Kind::Other)
    }

    /// Parses the rest of an infix expression, after its operator.
    fn infix(&mut self, operator: &str, left: &Kind) -> Result<Kind, Fault> {
        match operator {
            "(" => self.call(left)?,
            "[" => {
                if self.token != Token::Operator("]") {
                    self.expression(0)?;
                }
                self.require("]", true)?;
            }
            "{" => return self.members(),
            "?" => {
                self.expression(0)?;
                if self.take(":", false)? {
                    self.expression(0)?;
                }
            }
            ":=" => {
                if *left != Kind::Variable {
                    return Err(Fault::Wrong("`:=` can only set a variable".to_owned()));
                }
                self.expression(9)?;
            }
            "^" => {
                self.require("(", false)?;
                loop {
                    if !self.take("<", false)? {
                        self.take(">", false)?;
                    }
                    self.expression(0)?;
                    if !self.take(",", false)? {
                        break;
                    }
                }
                self.require(")", true)?;
            }
            "@" | "#" => {
                if self.expression(80)? != Kind::Variable {
                    return Err(Fault::Wrong(format!("`{operator}` is followed by a variable")));
                }
            }
            "?:" | "??" => {
                self.expression(0)?;
            }
            _ => {
                self.expression(power(operator))?;
            }
        }
        Ok(Kind::Other)
    }

    /// Parses arguments and, for a function definition, its signature and body.
    fn call(&mut self, left: &Kind) -> Result<(), Fault> {
        if self.token != Token::Operator(")") {
            loop {
                // A `?` leaves an argument open for partial application.
                if self.token == Token::Operator("?") {
                    self.advance(true)?;
                } else {
                    let argument = self.expression(0)?;
                    if *left == Kind::Function && argument != Kind::Variable {
                        return Err(Fault::Wrong("the parameters of a function are variables".to_owned()));
                    }
                }
                if !self.take(",", false)? {
                    break;
                }
            }
        }
        self.require(")", true)?;
        if *left == Kind::Function {
            if self.token == Token::Operator("<") {
                while !matches!(self.token, Token::Operator("{") | Token::End) {
                    self.advance(true)?;
                }
            }
            self.require("{", false)?;
            self.expression(0)?;
            self.require("}", true)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn valid_expressions_are_accepted() {
        for text in [
            "$states.input.n > 1",
            "$sum($states.input.orders.(price * quantity))",
            "[1..5].($ * 2)",
            "{ 'a': 1, \"b\": [1, 2, {}], 'c': $x ? 'y' : 'z' }",
            "Account.Order[0].Product[Price > 30].`Product Name`",
            "($f := function($x, $y)<nn:n>{ $x + $y }; $f(1, 2))",
            "$map($l, function($v, $i, $a) { $v & '!' })",
            "λ($x){ $x }",
            "Order^(>Price, <Quantity).Product",
            "library.loans@$l.books@$b[$l.isbn = $b.isbn]",
            "Order#$i.{ 'n': $i }",
            "$match($s, /a(b|c)\\/[d\\/]/i)",
            "$ ~> |Account.Order.Product|{ 'Total': Price }, ['Price']|",
            "$uppercase ~> $trim",
            "$first5 := $substring(?, 0, 5)",
            "Phone.number[type = 'mobile' and not(x) or y in ['a']]",
            "**.Postcode",
            "-5 + -$x",
            "a.b[]",
            "a ?: b ?? c",
            "/* a comment */ 1.5e-3",
            "$exists(a) ? a",
            "and.or.in",
            "'it is \\u00e9'",
            "a\u{a0}b",
            "Product{ SKU: $sum(Price) }",
            "$now('[Y0001]-[M01]')",
            "(1; 2;)",
            "%.OrderID",
            "$states.input.table & '/' & $string($states.context.Execution.Id)",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn invalid_expressions_are_reported() {
        for text in [
            "",
            "$sum((1,2)",
            "$sum([1,2)",
            "1 +",
            "a b",
            "{ 'a' 1 }",
            "'open",
            "a := 1",
            "[1, ]",
            "$x ? : 1",
            "(1",
            "1)",
            "a..b",
            "function(x){ 1 }",
            "function($x) 1",
            "`name",
            "/open",
            "/* open",
            "\"\\x\"",
            "$f(1 2)",
            "a.",
            "== 1",
            "'it\\'s'",
            "~ a",
            "01",
            "a**b",
            "$states.input.a == 'b'",
            "a && b",
        ] {
            assert!(check(text).is_err(), "{text}");
        }
    }

    #[test]
    fn deep_nesting_is_not_checked() {
        assert_eq!(check(&"(".repeat(10_000)), Ok(()));
    }
}
