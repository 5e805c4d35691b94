//! What the bytes of a cell are, as far as rewriting them goes, by the OID of a type of PostgreSQL's own.

use crate::masking::method::Method;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Characters in both formats: text, varchar, bpchar, name, unknown.
    Text,
    Json,
    /// In binary a version byte, then a JSON document.
    Jsonb,
    /// A whole number of so many bytes.
    Integer(usize),
    Float(usize),
    Truth,
    Numeric,
    Uuid,
    Date,
    Moment {
        is_zoned: bool,
    },
    Bytes,
    Address {
        is_network: bool,
    },
    Mac,
    Array(Box<Kind>),
    Row(Vec<Kind>),
    /// Anything else: only NULL is valid whatever the format.
    Opaque,
}

/// Types and the arrays of them.
const ARRAYS: &[(u64, u64)] = &[
    (25, 1009),
    (1043, 1015),
    (1042, 1014),
    (19, 1003),
    (114, 199),
    (3802, 3807),
    (21, 1005),
    (23, 1007),
    (20, 1016),
    (700, 1021),
    (701, 1022),
    (16, 1000),
    (1700, 1231),
    (2950, 2951),
    (1082, 1182),
    (1114, 1115),
    (1184, 1185),
    (17, 1001),
    (869, 1041),
    (650, 651),
    (829, 1040),
    (774, 775),
];

impl Kind {
    pub fn of(type_oid: u64) -> Self {
        match type_oid {
            25 | 1043 | 1042 | 19 | 705 => Self::Text,
            114 => Self::Json,
            3802 => Self::Jsonb,
            21 => Self::Integer(2),
            23 => Self::Integer(4),
            20 => Self::Integer(8),
            700 => Self::Float(4),
            701 => Self::Float(8),
            16 => Self::Truth,
            1700 => Self::Numeric,
            2950 => Self::Uuid,
            1082 => Self::Date,
            1114 => Self::Moment { is_zoned: false },
            1184 => Self::Moment { is_zoned: true },
            17 => Self::Bytes,
            869 => Self::Address { is_network: false },
            650 => Self::Address { is_network: true },
            829 | 774 => Self::Mac,
            _ => match ARRAYS.iter().find(|(_, array)| *array == type_oid) {
                Some((element, _)) => Self::Array(Box::new(Self::of(*element))),
                None => Self::Opaque,
            },
        }
    }

    /// Whether a method leaves anything but NULL of it.
    pub fn holds(&self, method: &Method) -> bool {
        match (self, method) {
            (_, Method::Null) | (Self::Opaque | Self::Integer(2) | Self::Float(_) | Self::Truth, _) => false,
            (Self::Array(of), _) => of.holds(method),
            (Self::Row(fields), _) => fields.iter().any(|field| field.holds(method)),
            (Self::Text | Self::Json | Self::Jsonb, _) => true,
            (_, Method::Hash(_) | Method::Tokenize(..)) => true,
            (_, Method::Redact | Method::Partial { .. }) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_known_by_its_number_and_so_is_the_array_of_it() {
        assert_eq!(Kind::of(25), Kind::Text);
        assert_eq!(Kind::of(1007), Kind::Array(Box::new(Kind::Integer(4))));
        assert_eq!(Kind::of(3904), Kind::Opaque);
        for (element, array) in ARRAYS {
            assert_ne!(Kind::of(*element), Kind::Opaque);
            assert_eq!(Kind::of(*array), Kind::Array(Box::new(Kind::of(*element))));
        }
    }

    #[test]
    fn what_no_value_can_stand_for_is_null() {
        let numbers = Kind::Row(vec![Kind::of(23), Kind::Array(Box::new(Kind::of(2950)))]);
        let hash = Method::hash(b"a key of sixteen");
        assert!(hash
            .as_ref()
            .is_some_and(|hash| numbers.holds(hash) && !Kind::of(21).holds(hash) && !Kind::of(16).holds(hash)));
        assert!(!numbers.holds(&Method::Redact) && !numbers.holds(&Method::Partial { first: 1, last: 1 }));
        assert!(Kind::Row(vec![Kind::Uuid, Kind::Text]).holds(&Method::Redact) && !Kind::Text.holds(&Method::Null));
    }
}
