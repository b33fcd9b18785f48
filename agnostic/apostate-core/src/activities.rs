//! Activities: what an entity remembers about each of its partners.
//!
//! An entity with a hundred thousand partners must not pay for all of them with every message. So the field
//! [`Activities`] is no part of the encoded state: each activity is a cell of its own, which the layer below loads when a
//! handler asks for it, and writes when the handler has changed it. The field itself holds only what the run under way touched.
//!
//! A run that asks for an activity that is not loaded is stopped there by an unwinding panic with a private payload; the layer below
//! loads it and runs the message again from its beginning, with the same seed. The stop is noted beside the unwinding, so a handler that
//! catches panics cannot hide it.
//!
//! Paper: *Activities: managing state for each partner*.

mod loaded;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::de::{DeserializeOwned, IgnoredAny, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use self::loaded::{ActivityChange, LoadedActivities, PartnerKey};
pub(crate) use self::loaded::{Stop, run_with};
use crate::{Address, codec};

/// Memory of an entity about its partners: a `T` for each. A field of an entity, and the only one of this type.
///
/// An activity is the default of `T` until a handler changes it; one that equals the default again is removed. A refusal or
/// a panic leaves every activity as it was. They are no part of the encoded state, and neither of the state that a client is shown.
///
/// Paper: *Activities: managing state for each partner*.
pub struct Activities<T> {
    touched: BTreeMap<PartnerKey, Touched<T>>,
}

/// An activity that the run under way may have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Touched<T> {
    value: T,
    /// The encoding before the run; none for the default.
    before: Option<Arc<[u8]>>,
}

/// An entity that another one remembers something about.
pub trait ToPartner {
    /// The entity's kind and key.
    fn address(&self) -> Address;
}

impl ToPartner for Address {
    fn address(&self) -> Address {
        self.clone()
    }
}

impl<P: ToPartner + ?Sized> ToPartner for &P {
    fn address(&self) -> Address {
        (**self).address()
    }
}

impl<T: Serialize + DeserializeOwned + Default + PartialEq> Activities<T> {
    /// The activity with a partner, to change it.
    ///
    /// # Panics
    ///
    /// When what is stored of it does not decode as `T`: its type was changed in a way that old data does not fit.
    pub fn with(&mut self, partner: impl ToPartner) -> &mut T {
        let partner = partner.address();
        match self.touched.entry(PartnerKey::of(&partner)) {
            Entry::Occupied(touched) => &mut touched.into_mut().value,
            Entry::Vacant(place) => {
                let before = loaded::look_up(&partner, place.key());
                let value = read(&partner, before.as_deref());
                &mut place.insert(Touched { value, before }).value
            }
        }
    }

    /// The activity with a partner, to read it.
    ///
    /// # Panics
    ///
    /// As for [`with`](Self::with).
    pub fn of(&self, partner: impl ToPartner) -> Activity<'_, T> {
        let partner = partner.address();
        let key = PartnerKey::of(&partner);
        match self.touched.get(&key) {
            Some(touched) => Activity(Held::Here(&touched.value)),
            None => Activity(Held::Read(read(&partner, loaded::look_up(&partner, &key).as_deref()))),
        }
    }
}

fn read<T: DeserializeOwned + Default>(partner: &Address, stored: Option<&[u8]>) -> T {
    match stored.map(codec::decode) {
        None => T::default(),
        Some(Ok(value)) => value,
        Some(Err(error)) => panic!("the activity with {partner:?} does not decode: {error}"),
    }
}

/// An activity that is read.
#[derive(Debug)]
pub struct Activity<'a, T>(Held<'a, T>);

#[derive(Debug)]
enum Held<'a, T> {
    Here(&'a T),
    Read(T),
}

impl<T> Deref for Activity<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.0 {
            Held::Here(value) => value,
            Held::Read(value) => value,
        }
    }
}

/// The activities of an entity with their type erased.
pub trait AnyActivities {
    /// Takes out what the run under way has changed, and forgets the rest.
    fn take_changes(&mut self) -> Vec<ActivityChange>;
}

impl<T: Serialize + DeserializeOwned + Default + PartialEq> AnyActivities for Activities<T> {
    fn take_changes(&mut self) -> Vec<ActivityChange> {
        let default = T::default();
        let touched = std::mem::take(&mut self.touched).into_iter();
        let changes = touched.filter_map(|(partner, Touched { value, before })| {
            let after: Option<Arc<[u8]>> = (value != default).then(|| codec::encode(&value).into());
            (after != before).then_some(ActivityChange { partner, value: after })
        });
        changes.collect()
    }
}

impl<T> Default for Activities<T> {
    fn default() -> Self {
        Self { touched: BTreeMap::new() }
    }
}

impl<T: Clone> Clone for Activities<T> {
    fn clone(&self) -> Self {
        Self { touched: self.touched.clone() }
    }
}

impl<T: PartialEq> PartialEq for Activities<T> {
    fn eq(&self, other: &Self) -> bool {
        self.touched == other.touched
    }
}

impl<T: Eq> Eq for Activities<T> {}

impl<T: fmt::Debug> fmt::Debug for Activities<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.touched.iter().map(|(partner, touched)| (partner, &touched.value))).finish()
    }
}

/// Nothing: each activity is a cell of its own.
impl<T> Serialize for Activities<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_none()
    }
}

impl<'de, T> Deserialize<'de> for Activities<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Nothing;

        impl<'de> Visitor<'de> for Nothing {
            type Value = ();

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("nothing: activities are no part of the state")
            }

            fn visit_none<E>(self) -> Result<(), E> {
                Ok(())
            }

            fn visit_unit<E>(self) -> Result<(), E> {
                Ok(())
            }

            fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
                IgnoredAny::deserialize(deserializer).map(|_| ())
            }
        }
        // As an option it may also be missing, in a state that is older than the field.
        deserializer.deserialize_option(Nothing)?;
        Ok(Self::default())
    }
}
