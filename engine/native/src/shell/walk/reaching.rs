//! Names that reach a known one although they do not spell it: from above where a command began, or by a search below a folder.

use super::globs::glob_matches;
use super::paths::{file_name, known, normal};

/// What a name that leads above where it begins may be: from the root, or from a home.
pub(super) fn from_above(name: &str) -> Vec<String> {
    let (rest, is_home) = name.strip_prefix("~/").map_or((name, false), |rest| (rest, true));
    let below = rest.trim_start_matches("../");
    if below.len() == rest.len() || below == ".." {
        return Vec::new();
    }
    let root = normal(&format!("/{below}"));
    // A project has settings of its own by some names.
    let is_setting = below.starts_with('.') && below != ".npmrc" && !is_home;
    std::iter::once(root).chain(is_setting.then(|| format!("~/{below}"))).collect()
}

/// Whether no project has a folder of such a name at its top.
pub(super) fn is_of_systems_alone(name: &str) -> bool {
    ["/etc/", "/boot/", "/proc/", "/sys/", "/usr/bin/", "/usr/sbin/", "/usr/local/bin/"]
        .iter()
        .any(|folder| name.starts_with(folder))
}

/// Known names below a folder whose last part is what somebody looks for.
pub(super) fn known_below(start: &str, glob: &str) -> Vec<&'static str> {
    let start = normal(start);
    let head = glob.split(['*', '?', '[']).next().unwrap_or_default();
    if head.bytes().filter(u8::is_ascii_alphanumeric).count() < 2 {
        return Vec::new();
    }
    let folder = format!("{}/", start.trim_end_matches('/'));
    let is_below = |text: &str| text.starts_with(&folder) || start == "/" && text.starts_with("~/");
    let is_meant = |text: &str| {
        let last = file_name(text);
        last == glob || glob_matches(glob, &last.replace('*', ""))
    };
    known().filter(|text| (folder.starts_with(['/', '~'])) && is_below(text) && is_meant(text)).take(8).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::vocabulary::Sign;
    use super::super::paths::signs;
    use super::*;
    use crate::sql::tree::Access;

    #[test]
    fn what_leads_above_may_be_what_is_known_from_the_root_or_a_home() {
        for name in ["../../etc/shadow", "~/../../etc/shadow", "../.ssh/id_rsa", "../../home/ann/.ssh/id_rsa"] {
            assert!(signs(name, Access::Read).contains(&Sign::CredentialRead), "{name}");
        }
        assert!(signs("../../../etc/cron.d/x", Access::Write).contains(&Sign::Persistence));
        assert!(signs("../../etc/passwd", Access::Write).contains(&Sign::SystemWrite));
        for name in ["../lib/x", "../bin/tool", "../../var/x", "../dev/compose.yml", "../opt/x", "..", "../.."] {
            assert_eq!(signs(name, Access::Write), [], "{name}");
        }
    }

    #[test]
    fn what_is_looked_for_may_be_what_is_known_below() {
        assert!(known_below("~", "id_*").contains(&"~/.ssh/id_*"));
        assert!(known_below("/", ".bashrc").contains(&"~/.bashrc"));
        assert!(known_below("/", "shadow").contains(&"/etc/shadow*"));
        assert!(known_below(".", ".bashrc").is_empty() && known_below("~", "*.py").is_empty());
    }
}
