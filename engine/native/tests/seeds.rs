//! Every target of `targets` over the seeds that are checked in: what once was wrong stays right.

#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used)]

mod targets;

#[test]
fn every_target_holds_for_its_seeds() {
    for (name, target) in targets::ALL {
        let path = format!("{}/../../tests/fuzz/seeds/{name}.txt", env!("CARGO_MANIFEST_DIR"));
        let file = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let seeds = targets::seeds(&file);
        assert!(seeds.len() >= 5, "{name} has few seeds");
        for seed in seeds {
            target(&seed);
        }
    }
}

#[test]
fn a_seed_is_text_with_bytes_in_it() {
    assert_eq!(targets::seeds("a\\x00b\n====\n\\xff\nc\n"), [b"a\0b".to_vec(), b"\xff\nc".to_vec()]);
}
