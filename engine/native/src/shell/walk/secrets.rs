//! Secrets that variables hold: where they are listed, shown, or sent.

use super::super::vocabulary::{Kind, Sign};
use super::args::{Arg, Line};
use super::{paths, Walker};

/// Programs that ask servers for the name they are given: what stands in it gets to somebody.
const ASKS_FOR_NAMES: &[&str] = &[
    "dig",
    "nslookup",
    "host",
    "drill",
    "dog",
    "doggo",
    "kdig",
    "delv",
    "ping",
    "ping6",
    "fping",
    "traceroute",
    "tracepath",
    "mtr",
    "whois",
    "tcptraceroute",
];

/// Ends of names of variables that say something about a secret and are none.
const ABOUT: &[&str] = &[
    "_PATH",
    "_FILE",
    "_ID",
    "_NAME",
    "_URL",
    "_URI",
    "_TYPE",
    "_COUNT",
    "_LENGTH",
    "_LEN",
    "_LIMIT",
    "_DIR",
    "_TTL",
    "TOKENS",
    "_VERSION",
    "_HOST",
    "_ENDPOINT",
    "_EXPIRES",
];

/// Kinds of commands that show what they are given, or take it to a server.
const TAKES_ALONG: &[Kind] =
    &[Kind::Print, Kind::Fetch, Kind::Send, Kind::Package, Kind::VersionControl, Kind::Container, Kind::Connect];

/// Whether keys lie somewhere below a folder: what goes through it or packs it takes them along.
pub(super) fn is_above_keys(name: &str) -> bool {
    paths::tree_signs(name, true).contains(&Sign::CredentialWrite)
}

/// Whether a variable of this name holds a key, a password or a token, as far as names say.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let parts = [
        "SECRET",
        "TOKEN",
        "PASSWORD",
        "PASSWD",
        "PASSPHRASE",
        "CREDENTIAL",
        "APIKEY",
        "API_KEY",
        "ACCESS_KEY",
        "PRIVATE_KEY",
    ];
    let named = parts.iter().any(|part| name.contains(part))
        || name.ends_with("_KEY")
        || name.ends_with("_PAT")
        || name.ends_with("_PWD");
    named && !name.contains("PUBLIC") && !ABOUT.iter().any(|end| name.ends_with(end))
}

/// Whether the value of a variable with a secret stands in a word; where.
fn secret_at(shown: &str) -> Option<usize> {
    shown.match_indices("${").map(|(at, _)| at).find(|at| {
        let rest = shown.get(at.saturating_add(2)..).unwrap_or_default();
        let end = rest.find(|char: char| !(char.is_ascii_alphanumeric() || char == '_')).unwrap_or(rest.len());
        is_secret(rest.get(..end).unwrap_or_default())
    })
}

pub(super) fn names_secret(arg: &Arg) -> bool {
    secret_at(&arg.shown).is_some()
}

/// Whether a secret stands in an address behind the part that says who asks: in the name of the host, or in what is asked for.
pub(super) fn asks_with_secret(arg: &Arg) -> bool {
    let Some((_, rest)) = arg.shown.split_once("://") else {
        return false;
    };
    let authority = rest.split('/').next().unwrap_or_default();
    let asked = rest.get(authority.rfind('@').unwrap_or(0)..).unwrap_or_default();
    secret_at(asked).is_some()
}

impl Walker<'_> {
    /// Builtins that list all variables, programs that print or send one with a secret.
    pub(super) fn secrets_in(&mut self, index: usize, name: &str, kind: Kind, line: &Line) {
        let lists = match name {
            "export" | "declare" | "typeset" | "readonly" | "local" => {
                line.positionals.is_empty() && !line.has("-f") && !line.has("-F")
            }
            "set" => line.args.is_empty(),
            "compgen" => {
                ["-e", "-v"].iter().any(|option| line.args.iter().any(|arg| arg.is(option)))
                    || line.args.iter().any(|arg| arg.is("export") || arg.is("variable"))
            }
            _ => false,
        };
        if lists {
            self.sign(index, Sign::SystemDiscovery);
        }
        let held = line.args.iter().any(names_secret);
        let declared = matches!(name, "declare" | "typeset" | "export" | "readonly")
            && line.has("-p")
            && line.positionals.iter().any(|arg| is_secret(&arg.shown));
        if held && TAKES_ALONG.contains(&kind) || declared {
            self.sign(index, Sign::CredentialShown);
        }
        if held && ASKS_FOR_NAMES.contains(&name) {
            self.sign(index, Sign::Exfiltration);
        }
    }
}

/// Whether a program of awk looks at the environment for more than one plain name.
pub(super) fn awk_reads_secrets(code: &str) -> bool {
    code.match_indices("ENVIRON").any(|(at, word)| {
        let rest = code.get(at.saturating_add(word.len())..).unwrap_or_default().trim_start();
        let index = rest.strip_prefix('[').and_then(|rest| rest.split(']').next()).map(str::trim);
        let named = index.and_then(|index| index.strip_prefix('"')).and_then(|index| index.strip_suffix('"'));
        named.is_none_or(|name| is_secret(name) || name.contains('"'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_which_variables_hold_secrets() {
        for name in
            ["GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "npm_token", "DB_PASSWORD", "STRIPE_KEY", "GH_PAT", "PGPASSWORD"]
        {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            "HOME",
            "PUBLIC_KEY",
            "SSH_KEY_PATH",
            "MAX_TOKENS",
            "AWS_ACCESS_KEY_ID",
            "KEYBOARD",
            "SECRET_NAME",
            "TOKEN_URL",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn folders_above_keys_are_known() {
        assert!(["~", "~/.config", "~/.docker"].iter().all(|folder| is_above_keys(folder)));
        assert!(!["src", "~/src", "/tmp/x"].iter().any(|folder| is_above_keys(folder)));
    }

    #[test]
    fn who_asks_is_told_from_what_is_asked() {
        let asks = |text: &str| asks_with_secret(&Arg::text(text, (0, 0)));
        assert!(asks("https://c.example/${GITHUB_TOKEN}"));
        assert!(asks("https://${GITHUB_TOKEN}.c.example/"));
        assert!(!asks("https://x:${GITHUB_TOKEN}@github.com/a/b"));
        assert!(!asks("${GITHUB_TOKEN}"));
    }

    #[test]
    fn awk_may_ask_for_plain_names() {
        assert!(awk_reads_secrets("BEGIN{print ENVIRON[\"AWS_SECRET_ACCESS_KEY\"]}"));
        assert!(awk_reads_secrets("BEGIN{for (k in ENVIRON) print ENVIRON[k]}"));
        assert!(!awk_reads_secrets("BEGIN{print ENVIRON[\"HOME\"]}"));
    }
}
