//! Infinities and NaN in a value that becomes JSON, which has no such numbers: its writer would write `null` for them in silence.
//!
//! [`check`] walks through a value by its own `Serialize` and writes nothing. An error says where the number stands.

use std::fmt::{self, Display};

use serde::Serialize;
use serde::ser::{
    self, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple, SerializeTupleStruct,
    SerializeTupleVariant, Serializer,
};

/// A number that JSON has not, and its place in the value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NonFinite {
    /// `.name` and `[number]`, from the inside out.
    path: Vec<String>,
    number: &'static str,
}

impl Display for NonFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path: String = self.path.iter().rev().map(String::as_str).collect();
        match path.trim_start_matches('.') {
            "" => {}
            path => write!(f, "{path}: ")?,
        }
        write!(f, "{} is no number in JSON", self.number)
    }
}

/// # Errors
///
/// When JSON cannot say one of the numbers in `value`.
pub(super) fn check<T: Serialize + ?Sized>(value: &T) -> Result<(), NonFinite> {
    match value.serialize(Finder) {
        Err(Found::NonFinite(found)) => Err(found),
        // What else is wrong with it, the writer says.
        Ok(()) | Err(Found::Else) => Ok(()),
    }
}

/// Why a walk ends early.
#[derive(Debug)]
enum Found {
    NonFinite(NonFinite),
    /// An error of the value's own.
    Else,
}

impl Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NonFinite(found) => found.fmt(f),
            Self::Else => f.write_str("it does not serialize"),
        }
    }
}

impl std::error::Error for Found {}

impl ser::Error for Found {
    fn custom<T: Display>(_: T) -> Self {
        Self::Else
    }
}

impl Found {
    /// The same, one level further out.
    fn within(mut self, step: impl FnOnce() -> String) -> Self {
        if let Self::NonFinite(found) = &mut self {
            found.path.push(step());
        }
        self
    }
}

/// Walks through values.
struct Finder;

/// Walks through the parts of one value.
struct Parts {
    /// The number of the next part.
    next: usize,
    /// The name that all of it stands under, if it is a variant.
    variant: Option<&'static str>,
}

impl Parts {
    const fn of(variant: Option<&'static str>) -> Self {
        Self { next: 0, variant }
    }

    fn part<T: Serialize + ?Sized>(&mut self, value: &T, step: impl FnOnce(usize) -> String) -> Result<(), Found> {
        let number = self.next;
        self.next += 1;
        let found = value.serialize(Finder).map_err(|found| found.within(|| step(number)));
        match self.variant {
            None => found,
            Some(variant) => found.map_err(|found| found.within(|| format!(".{variant}"))),
        }
    }

    fn numbered<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Found> {
        self.part(value, |number| format!("[{number}]"))
    }

    fn named<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Found> {
        self.part(value, |_| format!(".{name}"))
    }
}

fn number(value: f64) -> Result<(), Found> {
    let number = match value {
        _ if value.is_finite() => return Ok(()),
        _ if value.is_nan() => "NaN",
        _ if value > 0.0 => "infinity",
        _ => "-infinity",
    };
    Err(Found::NonFinite(NonFinite { path: Vec::new(), number }))
}

macro_rules! nothing_to_find {
    ($($method:ident($($type:ty),*);)*) => {$(
        fn $method(self, $(_: $type),*) -> Result<(), Found> {
            Ok(())
        }
    )*};
}

impl Serializer for Finder {
    type Ok = ();
    type Error = Found;
    type SerializeSeq = Parts;
    type SerializeTuple = Parts;
    type SerializeTupleStruct = Parts;
    type SerializeTupleVariant = Parts;
    type SerializeMap = Parts;
    type SerializeStruct = Parts;
    type SerializeStructVariant = Parts;

    nothing_to_find! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_i128(i128);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_u128(u128);
        serialize_char(char);
        serialize_str(&str);
        serialize_bytes(&[u8]);
        serialize_none();
        serialize_unit();
        serialize_unit_struct(&'static str);
        serialize_unit_variant(&'static str, u32, &'static str);
    }

    fn serialize_f32(self, value: f32) -> Result<(), Found> {
        number(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Found> {
        number(value)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Found> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Found> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Found> {
        value.serialize(self).map_err(|found| found.within(|| format!(".{variant}")))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts, Found> {
        Ok(Parts::of(None))
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts, Found> {
        Ok(Parts::of(None))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Parts, Found> {
        Ok(Parts::of(None))
    }

    fn serialize_tuple_variant(self, _: &'static str, _: u32, variant: &'static str, _: usize) -> Result<Parts, Found> {
        Ok(Parts::of(Some(variant)))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Parts, Found> {
        Ok(Parts::of(None))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Parts, Found> {
        Ok(Parts::of(None))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts, Found> {
        Ok(Parts::of(Some(variant)))
    }

    /// A text made for the purpose has no numbers: it is not even made.
    fn collect_str<T: Display + ?Sized>(self, _: &T) -> Result<(), Found> {
        Ok(())
    }
}

macro_rules! parts_by_number {
    ($($trait:ident::$method:ident;)*) => {$(
        impl $trait for Parts {
            type Ok = ();
            type Error = Found;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Found> {
                self.numbered(value)
            }

            fn end(self) -> Result<(), Found> {
                Ok(())
            }
        }
    )*};
}

parts_by_number! {
    SerializeSeq::serialize_element;
    SerializeTuple::serialize_element;
    SerializeTupleStruct::serialize_field;
    SerializeTupleVariant::serialize_field;
}

macro_rules! parts_by_name {
    ($($trait:ident;)*) => {$(
        impl $trait for Parts {
            type Ok = ();
            type Error = Found;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Found> {
                self.named(name, value)
            }

            fn end(self) -> Result<(), Found> {
                Ok(())
            }
        }
    )*};
}

parts_by_name! {
    SerializeStruct;
    SerializeStructVariant;
}

impl SerializeMap for Parts {
    type Ok = ();
    type Error = Found;

    /// A key that is no name, the writer refuses itself.
    fn serialize_key<T: Serialize + ?Sized>(&mut self, _: &T) -> Result<(), Found> {
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Found> {
        self.numbered(value)
    }

    fn serialize_entry<K: Serialize + ?Sized, V: Serialize + ?Sized>(
        &mut self,
        key: &K,
        value: &V,
    ) -> Result<(), Found> {
        self.part(value, |number| match serde_json::to_string(key) {
            Ok(name) => format!(".{}", name.trim_matches('"')),
            Err(_) => format!("[{number}]"),
        })
    }

    fn end(self) -> Result<(), Found> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Serialize)]
    enum Sort {
        Unit,
        One(f64),
        Two(f64, f64),
        Named { inner: Option<f64> },
    }

    #[derive(Serialize)]
    struct Load {
        grams: f32,
        sorts: Vec<Sort>,
        by_key: BTreeMap<u8, (f64, u128)>,
    }

    fn found(sorts: Vec<Sort>, grams: f32, by_key: f64) -> Option<String> {
        let by_key = BTreeMap::from([(1, (0.0, 1)), (7, (by_key, u128::MAX))]);
        check(&Load { grams, sorts, by_key }).err().map(|found| found.to_string())
    }

    #[test]
    fn a_number_that_json_has_not_is_found_with_its_place() {
        assert_eq!(found(vec![Sort::Unit, Sort::One(1.5)], -0.0, f64::MAX), None);
        let at = |place: &str| Some(format!("{place} is no number in JSON"));
        assert_eq!(found(Vec::new(), f32::NAN, 0.0), at("grams: NaN"));
        assert_eq!(found(vec![Sort::Unit, Sort::One(f64::INFINITY)], 0.0, 0.0), at("sorts[1].One: infinity"));
        assert_eq!(found(vec![Sort::Two(0.0, f64::NEG_INFINITY)], 0.0, 0.0), at("sorts[0].Two[1]: -infinity"));
        assert_eq!(found(vec![Sort::Named { inner: Some(f64::NAN) }], 0.0, 0.0), at("sorts[0].Named.inner: NaN"));
        assert_eq!(found(vec![Sort::Named { inner: None }], 0.0, f64::NAN), at("by_key.7[0]: NaN"));
        assert_eq!(check(&f64::NAN).map_err(|found| found.to_string()), Err("NaN is no number in JSON".to_owned()));
    }
}
