//! Looking for things: what the patterns of `find`, `fd`, `locate`, `grep` and `jq` say about what is wanted.

use super::super::vocabulary::{Kind, Sign};
use super::args::{Arg, Line};
use super::simple::Around;
use super::unwrap::Unwrapped;
use super::{paths, shells, Walker};
use crate::sql::tree::Access;

/// Parts of names of files that hold keys and passwords.
const SECRET_NAMES: &[&str] = &[
    "credential",
    "password",
    "passwd",
    "secret",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    ".pem",
    ".ppk",
    ".p12",
    ".pfx",
    ".jks",
    ".kdbx",
    ".keystore",
    ".keytab",
    ".netrc",
    ".pgpass",
    ".npmrc",
    ".pypirc",
    ".htpasswd",
    ".my.cnf",
    ".aws",
    ".ssh",
    ".gnupg",
    ".kube",
    ".azure",
    ".oci",
    "kubeconfig",
    "keychain",
    "wallet",
    "shadow",
    "apikey",
    "api_key",
    "api-key",
    "private_key",
    "privatekey",
    "private-key",
    "privkey",
    "access_token",
    "accesstoken",
    "auth_token",
    "authorized_keys",
    "known_hosts",
    "_history",
    "login data",
    "cookies.sqlite",
    "logins.json",
    ".ovpn",
    "service-account",
    "service_account",
    "tfstate",
    "vault_pass",
    "vault-pass",
    "ntds.dit",
    "sam.hive",
    ".agekey",
];

/// Endings of source code: `password_reset.py` holds no password.
const SOURCE: &[&str] = &[
    ".py", ".js", ".mjs", ".ts", ".tsx", ".jsx", ".go", ".rs", ".java", ".kt", ".rb", ".c", ".h", ".cc", ".cpp",
    ".hpp", ".cs", ".swift", ".scala", ".ex", ".exs", ".md", ".rst", ".html", ".css", ".scss", ".vue", ".svelte",
    ".proto",
];

/// Words of texts that are secrets or stand before them.
const SECRET_TEXTS: &[&str] = &[
    "password",
    "passwd",
    "begin rsa",
    "begin openssh",
    "begin ec",
    "private key",
    "private.key",
    "akia",
    "aws_secret",
    "aws_access",
    "secret_key",
    "secret-key",
    "api_key",
    "api-key",
    "apikey",
    "client_secret",
    "access_key",
    "auth_token",
    "access_token",
    "bearer ",
    "ghp_",
    "xoxb-",
    "sk_live",
    "credential",
];

impl Walker<'_> {
    /// The signs of a name that somebody looks for.
    pub(super) fn searched_name(&mut self, index: usize, name: &str) {
        for sign in paths::signs(name, Access::Read) {
            self.sign(index, sign);
        }
        let lower = name.to_ascii_lowercase();
        let bare = lower.trim_matches(['*', '.', '?', '^', '$', '\\', '/']);
        let source = SOURCE.iter().any(|ending| lower.trim_end_matches(['*', '$']).ends_with(ending));
        let secret = SECRET_NAMES.iter().any(|part| lower.contains(part))
            || matches!(bare, "token" | "tokens" | "token.json" | "token.txt" | "env" | "key" | "keys" | "pem" | "rsa");
        if secret && !source {
            self.sign(index, Sign::CredentialRead);
        }
    }

    /// Modes that are looked for: programs that run with other rights, files that everybody may change.
    pub(super) fn searched_mode(&mut self, index: usize, mode: &str) {
        let plain = mode.trim_start_matches(['-', '/', '+']);
        let octal = !plain.is_empty() && plain.bytes().all(|byte| byte.is_ascii_digit());
        let special = octal && plain.len() >= 4 && !plain.starts_with(['0', '1']);
        let open = octal && plain.ends_with(['2', '3', '6', '7']);
        let symbols = plain.contains('s') || plain.contains("o+w") || plain.contains("o=w") || plain.contains("a+w");
        if special || open || !octal && symbols {
            self.sign(index, Sign::SystemDiscovery);
        }
    }

    /// `grep`: a text that is a secret or stands before one.
    pub(super) fn searched_text(&mut self, index: usize, name: &str, line: &Line) {
        let given = line.value("-e").or_else(|| line.value("--regexp"));
        let pattern = given.as_ref().or_else(|| line.positionals.first().copied());
        let Some(pattern) = pattern else {
            return;
        };
        // `rg` and its kin go through folders without being told.
        let named =
            line.positionals.iter().skip(1).any(|file| paths::file_name(&file.shown).contains('.') && !file.is("."));
        let walks = name == "ugrep" || !name.ends_with("grep");
        let recurses = line.has("-r")
            || line.has("-R")
            || line.has("--recursive")
            || line.has("--dereference-recursive")
            || line.args.iter().any(|arg| arg.shown.starts_with("-d") && arg.shown.contains("recurse"));
        let everywhere = !named && walks || recurses;
        let lower = pattern.shown.to_ascii_lowercase();
        let files = line.positionals.iter().skip(usize::from(given.is_none()));
        let keys = (walks || recurses) && files.into_iter().any(|file| super::secrets::is_above_keys(&file.shown));
        if keys || everywhere && SECRET_TEXTS.iter().any(|text| lower.contains(text)) {
            self.sign(index, Sign::CredentialRead);
        }
    }

    /// `jq`, `yq`: files that options name by a second word, the environment and files that filters read.
    pub(super) fn query(&mut self, index: usize, name: &str, line: &Line) {
        for (at, arg) in line.args.iter().enumerate() {
            if matches!(arg.shown.as_str(), "--slurpfile" | "--rawfile") {
                if let Some(file) = line.args.get(at.saturating_add(2)) {
                    self.reads(index, file);
                }
            }
            let words =
                arg.shown.split(|char: char| !(char.is_ascii_alphanumeric() || matches!(char, '_' | '$' | '.')));
            let reads = words.into_iter().any(|word| {
                matches!(word, "env" | "$ENV" | "strenv") || word.starts_with("$ENV.") || word.starts_with("env.")
            }) || name == "yq" && arg.shown.contains("load");
            if reads {
                self.sign(index, Sign::SystemDiscovery);
            }
        }
    }

    /// `fd -x COMMAND`, `fd -X COMMAND`; None when nothing is run.
    pub(super) fn fd(&mut self, name: &str, args: &[Arg], around: &Around) -> Option<Unwrapped> {
        let runs = |arg: &Arg| {
            let word = arg.shown.as_str();
            let long = ["--exec", "--exec-batch"]
                .iter()
                .any(|option| word.strip_prefix(option).is_some_and(|rest| rest.is_empty() || rest.starts_with('=')));
            // A cluster may end in the option (`-Hx`) or carry the first word of the command (`-xrm`).
            long || word.starts_with('-') && !word.starts_with("--") && word.contains(['x', 'X'])
        };
        let at = args.iter().position(runs)?;
        let index = self.described(Kind::Inspect, args.get(..at).unwrap_or_default(), around.clone_plain());
        for pattern in args.iter().take(at).skip(1).filter(|arg| !arg.is_option()) {
            self.searched_name(index, &pattern.shown);
        }
        let word = args.get(at).map(|arg| arg.shown.clone()).unwrap_or_default();
        let attached = match word.split_once('=') {
            Some((_, value)) if word.starts_with("--") => value.to_owned(),
            _ if word.starts_with("--") => String::new(),
            _ => word.split_once(['x', 'X']).map(|(_, value)| value.to_owned()).unwrap_or_default(),
        };
        let mut inner: Vec<Arg> = Vec::new();
        if !attached.is_empty() {
            inner.push(Arg::text(&attached, around.span));
        }
        let rest = args.get(at.saturating_add(1)..).unwrap_or_default();
        inner.extend(rest.iter().take_while(|arg| !arg.is(";")).cloned());
        let inner: Vec<Arg> = inner
            .into_iter()
            .map(|arg| if arg.shown.starts_with('{') { Arg::unknown(around.span) } else { arg })
            .chain(std::iter::once(Arg::unknown(around.span)))
            .collect();
        let span = around.span;
        self.inside(name, false, &[], |walker| walker.run(&inner, Around { span, ..Around::default() }));
        Some(shells::empty())
    }
}
