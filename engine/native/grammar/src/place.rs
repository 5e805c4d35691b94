//! A place in the parser's memory where a node begins, and what is kept at an offset of it.

use std::ffi::{c_char, CStr};
use std::ptr::NonNull;

use pg_query::protobuf as pb;
use pg_query::{Node, NodeEnum};

use crate::readers::{any, facts, read_rawstmt};
use crate::Unread;

/// The stack that is left when a node is read, in bytes, or it is not read here: far more than a level takes.
const ENOUGH: usize = 64 << 10;

/// Where a node begins. Every reader is `unsafe`: the caller knows that a node of that type is there and alive, and that the
/// offset is the field's.
#[derive(Clone, Copy)]
pub struct Place(NonNull<u8>);

impl Place {
    pub fn new(address: *const u8) -> Option<Self> {
        NonNull::new(address.cast_mut()).map(Self)
    }

    /// A number as it lies there.
    #[inline]
    pub unsafe fn number<T: Copy>(self, at: usize) -> T {
        // SAFETY: of the caller. Unaligned, so that a wrong offset is a wrong number and nothing worse.
        unsafe { self.0.as_ptr().add(at).cast::<T>().read_unaligned() }
    }

    /// The type of the node.
    #[inline]
    pub unsafe fn tag(self) -> i32 {
        // SAFETY: every node begins with its tag.
        unsafe { self.number(0) }
    }

    /// A part that lies inside.
    #[inline]
    pub unsafe fn inner(self, at: usize) -> Place {
        // SAFETY: of the caller.
        Place(unsafe { self.0.add(at) })
    }

    #[inline]
    unsafe fn pointer(self, at: usize) -> Option<Place> {
        // SAFETY: of the caller.
        Place::new(unsafe { self.number::<*const u8>(at) })
    }

    pub unsafe fn truth(self, at: usize) -> Result<bool, Unread> {
        // SAFETY: of the caller. Read as a byte: a `bool` of Rust may be nothing but 0 and 1.
        match unsafe { self.number::<u8>(at) } {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Unread),
        }
    }

    /// One of an enumeration's `count` values; its protobuf number is one more.
    pub unsafe fn choice(self, at: usize, count: i32) -> Result<i32, Unread> {
        // SAFETY: of the caller.
        let value = unsafe { self.number::<i32>(at) };
        if (0..count).contains(&value) {
            value.checked_add(1).ok_or(Unread)
        } else {
            Err(Unread)
        }
    }

    /// A C string; none is an empty one.
    pub unsafe fn text(self, at: usize) -> Result<String, Unread> {
        // SAFETY: of the caller; the parser's strings end with NUL.
        unsafe {
            match self.pointer(at) {
                None => Ok(String::new()),
                Some(place) => match CStr::from_ptr(place.0.as_ptr().cast::<c_char>()).to_str() {
                    Ok(text) => Ok(text.to_owned()),
                    Err(_) => Err(Unread),
                },
            }
        }
    }

    /// A single `char`; NUL is no letter.
    pub unsafe fn letter(self, at: usize) -> Result<String, Unread> {
        // SAFETY: of the caller.
        match unsafe { self.number::<u8>(at) } {
            0 => Ok(String::new()),
            byte if byte.is_ascii() => Ok(char::from(byte).to_string()),
            _ => Err(Unread),
        }
    }

    /// What the grammar leaves empty.
    pub unsafe fn nothing<T: Default>(self, at: usize) -> Result<T, Unread> {
        // SAFETY: of the caller.
        match unsafe { self.pointer(at) } {
            None => Ok(T::default()),
            Some(_) => Err(Unread),
        }
    }

    /// A node of any type.
    pub unsafe fn node(self, at: usize) -> Result<Option<Node>, Unread> {
        // SAFETY: of the caller.
        unsafe { self.pointer(at).map(|place| place.whole()).transpose() }
    }

    /// A node of one type.
    pub unsafe fn known<T>(
        self,
        at: usize,
        tag: i32,
        read: unsafe fn(Place) -> Result<T, Unread>,
    ) -> Result<Option<T>, Unread> {
        // SAFETY: of the caller; the tag says that it is of the reader's type.
        unsafe {
            match self.pointer(at) {
                None => Ok(None),
                Some(place) if place.tag() == tag => {
                    has_room()?;
                    read(place).map(Some)
                }
                Some(_) => Err(Unread),
            }
        }
    }

    /// A list of nodes; none is an empty one.
    pub unsafe fn list(self, at: usize) -> Result<Vec<Node>, Unread> {
        // SAFETY: of the caller.
        unsafe {
            match self.pointer(at) {
                None => Ok(Vec::new()),
                Some(list) => list.items(|item| match Place::new(item) {
                    None => Ok(Node { node: None }),
                    Some(place) => place.whole(),
                }),
            }
        }
    }

    /// The statements of the list that is here.
    pub unsafe fn statements(self) -> Result<Vec<pb::RawStmt>, Unread> {
        // SAFETY: of the caller; the tag says that it is a statement.
        unsafe {
            self.items(|item| match Place::new(item) {
                Some(place) if place.tag() == facts::RAWSTMT => read_rawstmt(place),
                _ => Err(Unread),
            })
        }
    }

    /// The value of a constant, beside the flag that says that it is NULL.
    pub unsafe fn constant(self, at: usize, is_null: usize) -> Result<Option<pb::a_const::Val>, Unread> {
        use pb::a_const::Val;
        // SAFETY: of the caller; a constant holds its value's node inside.
        unsafe {
            if self.truth(is_null)? {
                return Ok(None);
            }
            let value = self.inner(at);
            Ok(Some(match literal(value, value.tag())? {
                NodeEnum::Integer(value) => Val::Ival(value),
                NodeEnum::Float(value) => Val::Fval(value),
                NodeEnum::Boolean(value) => Val::Boolval(value),
                NodeEnum::String(value) => Val::Sval(value),
                NodeEnum::BitString(value) => Val::Bsval(value),
                _ => return Err(Unread),
            }))
        }
    }

    /// The node that is here.
    unsafe fn whole(self) -> Result<Node, Unread> {
        has_room()?;
        // SAFETY: of the caller.
        unsafe { any(self) }.map(|node| Node { node: Some(node) })
    }

    unsafe fn items<T>(self, read: impl Fn(*const u8) -> Result<T, Unread>) -> Result<Vec<T>, Unread> {
        // SAFETY: of the caller; a list says how many cells it has and where they are.
        unsafe {
            if self.tag() != facts::LIST {
                return Err(Unread);
            }
            let length = usize::try_from(self.number::<i32>(facts::LIST_LENGTH)).map_err(|_| Unread)?;
            let Some(cells) = self.pointer(facts::LIST_CELLS) else { return Err(Unread) };
            let cells = std::slice::from_raw_parts(cells.0.as_ptr().cast::<*const u8>(), length);
            cells.iter().map(|cell| read(*cell)).collect()
        }
    }
}

/// A name where a field holds one as a node.
pub unsafe fn read_string(at: Place) -> Result<pb::String, Unread> {
    // SAFETY: of the caller.
    unsafe { at.text(facts::STRING_AT) }.map(|sval| pb::String { sval })
}

/// The nodes that are values, and a list among nodes.
pub unsafe fn literal(at: Place, tag: i32) -> Result<NodeEnum, Unread> {
    // SAFETY: of the caller; the tag says which type.
    unsafe {
        Ok(match tag {
            facts::INTEGER => NodeEnum::Integer(pb::Integer { ival: at.number(facts::INTEGER_AT) }),
            facts::FLOAT => NodeEnum::Float(pb::Float { fval: at.text(facts::FLOAT_AT)? }),
            facts::BOOLEAN => NodeEnum::Boolean(pb::Boolean { boolval: at.truth(facts::BOOLEAN_AT)? }),
            facts::STRING => NodeEnum::String(read_string(at)?),
            facts::BITSTRING => NodeEnum::BitString(pb::BitString { bsval: at.text(facts::BITSTRING_AT)? }),
            facts::LIST => NodeEnum::List(pb::List {
                items: at.items(|item| match Place::new(item) {
                    None => Ok(Node { node: None }),
                    Some(place) => place.whole(),
                })?,
            }),
            _ => return Err(Unread),
        })
    }
}

fn has_room() -> Result<(), Unread> {
    match stacker::remaining_stack() {
        Some(left) if left < ENOUGH => Err(Unread),
        _ => Ok(()),
    }
}
