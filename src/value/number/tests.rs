//! Parsing, arithmetic and printing of numbers.

use super::Number;

fn number(text: &str) -> Number {
    Number::parse(text).unwrap_or_else(|| panic!("{text} is no number"))
}

#[test]
fn each_number_has_one_form() {
    for (text, shown) in [
        ("1.0", "1"),
        ("1e3", "1000"),
        ("-0", "-0"),
        ("+7", "7"),
        (".5", "0.5"),
        ("5.", "5"),
        ("9223372036854775808", "9223372036854775808"),
        ("12345678901234567890", "12345678901234567890"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("1.30000000000000004", "1.30000000000000004"),
        ("1e21", "1000000000000000000000"),
        ("5e-324", &format!("0.{}5", "0".repeat(323))),
        ("1e400", &format!("1{}", "0".repeat(400))),
        ("0e999999", "0"),
    ] {
        assert_eq!(number(text).to_string(), shown, "{text}");
        assert_eq!(number(&number(text).to_string()), number(text), "{text}");
    }
    assert!(matches!(number("2.50"), Number::Float(2.5)));
    assert!(matches!(number("1e21"), Number::Float(1e21)));
    assert!(matches!(number("100000000000000000001"), Number::Big(_)));
    for text in ["", "-", ".", "e5", "1e", "inf", "NaN", "0x10", "1_0", " 1", "1e99999999999", "--1", "1e+-1"]
    {
        assert!(Number::parse(text).is_none(), "{text}");
    }
    assert!(Number::parse(&"9".repeat(10_001)).is_none());
}

#[test]
fn a_double_means_its_shortest_decimal() {
    assert_eq!(Number::from_f64(2.0), Some(Number::Integer(2)));
    assert!(matches!(Number::from_f64(-0.0), Some(Number::Integer(0))));
    assert_eq!(Number::from_f64(-9_223_372_036_854_775_808.0), Some(Number::Integer(i64::MIN)));
    assert_eq!(Number::from_f64(0.1), Number::parse("0.1"));
    assert_ne!(Number::exactly(0.1), Number::parse("0.1"));
    assert_eq!(Number::exactly(0.1).map(|one| one.to_string()).as_deref(), Some("0.1"));
    assert_eq!(Number::from_f64(f64::NAN), None);
    assert_eq!(Number::from_f64(f64::INFINITY), None);
    for float in [0.1, 1.0 / 3.0, f64::MAX, f64::MIN_POSITIVE, 1e22, 9e15, 5e-324, 123_456_789.123] {
        let big = Number::exactly(float).expect("a number");
        assert_eq!((big.as_f64(), number(&big.to_string()).as_f64()), (float, float));
    }
}

#[test]
fn arithmetic_has_512_bits() {
    let product = format!("0.02{}1", "0".repeat(153));
    let third = number("1").divide(&number("3")).expect("a third");
    assert_eq!(third.to_string(), format!("0.{}5", "3".repeat(154)));
    assert_eq!(third.multiply(&number("3")), Some(number("1")));
    for (left, right, sum, product) in [
        ("0.1", "0.2", "0.3", product.as_str()),
        ("9223372036854775807", "1", "9223372036854775808", "9223372036854775807"),
        ("9223372036854775807", "-0.2", "9223372036854775806.8", "-1844674407370955161.4"),
        ("1e400", "1e-400", "", "1"),
        ("0", "-5", "-5", "-0"),
    ] {
        let (left, right) = (number(left), number(right));
        if !sum.is_empty() {
            assert_eq!(left.add(&right).map(|sum| sum.to_string()).as_deref(), Some(sum));
        }
        assert_eq!(left.multiply(&right).map(|one| one.to_string()).as_deref(), Some(product));
    }
    assert_eq!(number("-7.5").remainder(&number("2")), Some(number("-1.5")));
    assert_eq!(number("7.5").remainder(&number("0")), Some(number("7.5")));
    assert_eq!(number("1").divide(&number("0")), None);
    assert_eq!(number("1e4900").multiply(&number("1e4900")), None);
    assert!(number("1e400") > number("1e399") && number("-1e400") < number("0.1"));
    assert_eq!(number("-2.7").truncate(), number("-2"));
    assert_eq!(number("1.5e400").text('g', None), "1.5e+400");
    assert_eq!(number("1000000").text('g', None), "1e+06");
    assert_eq!(number("0.125").text('f', Some(2)), "0.12");
    assert_eq!(number("999.999").text('f', Some(1)), "1000.0");
    assert_eq!(number("0.004").text('f', Some(1)), "0.0");
    assert_eq!(number("123456").text('e', Some(2)), "1.23e+05");
}
