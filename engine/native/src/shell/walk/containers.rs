//! What `docker run` and its kin give a container of the machine that it runs on.

use super::super::tree::Target;
use super::super::vocabulary::Sign;
use super::args::Line;
use super::{paths, Walker};
use crate::sql::tree::{Access, Effect};

/// Options that put a container into a space of the machine, when their value is `host`.
const SPACES: &[&str] = &["--pid", "--net", "--network", "--ipc", "--uts", "--userns", "--cgroupns"];

/// Options that give a container rights or devices.
const RIGHTS: &[&str] = &["--cap-add", "--device", "--device-cgroup-rule"];

/// Folders that nobody gives a container, nor anything below them.
const WHOLE: &[&str] = &[
    "/etc", "/proc", "/sys", "/dev", "/run", "/var/run", "/boot", "/usr", "/lib", "/lib64", "/bin", "/sbin", "/var/lib",
];

/// Folders that hold what others keep: not as a whole, though what is below them may be the project's.
const OTHERS: &[&str] =
    &["/", "/var", "/opt", "/srv", "/mnt", "/media", "/home", "/Users", "/snap", "/var/log", "/private"];

/// What may be read from everywhere: times, certificates, names of users.
const PLAIN: &[&str] = &[
    "/etc/localtime",
    "/etc/timezone",
    "/etc/ssl/certs",
    "/etc/ca-certificates",
    "/etc/pki/tls/certs",
    "/etc/pki/ca-trust",
    "/etc/hosts",
    "/etc/resolv.conf",
    "/etc/passwd",
    "/etc/group",
    "/usr/share",
    "/usr/local/share",
    "/usr/lib/ssl",
];

fn is_below(name: &str, folder: &str) -> bool {
    name.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A folder of the machine that a container sees.
struct Shared {
    source: String,
    is_readonly: bool,
}

/// `SOURCE:TARGET[:OPTIONS]` or `type=bind,source=...`.
fn shared(value: &str, is_mount: bool) -> Shared {
    if is_mount {
        let field = |names: &[&str]| {
            value
                .split(',')
                .find_map(|part| part.split_once('=').filter(|(name, _)| names.contains(name)).map(|(_, value)| value))
        };
        let is_readonly = value
            .split(',')
            .any(|part| matches!(part, "readonly" | "ro" | "readonly=true" | "ro=true" | "readonly=1" | "ro=1"));
        return Shared { source: field(&["source", "src"]).unwrap_or_default().to_owned(), is_readonly };
    }
    let mut parts = value.split(':');
    let source = parts.next().unwrap_or_default().to_owned();
    let is_readonly = parts.skip(1).any(|options| options.split(',').any(|option| option == "ro"));
    Shared { source, is_readonly }
}

impl Walker<'_> {
    pub(super) fn container(&mut self, index: usize, line: &Line) {
        let words: Vec<&str> = line.positionals.iter().take(3).map(|arg| arg.shown.as_str()).collect();
        let verb = match words.as_slice() {
            ["container" | "compose", verb, ..] | [verb, ..] => *verb,
            [] => "",
        };
        if matches!(verb, "run" | "create") {
            // WHY: the words behind are those of the image, however they look.
            if let Some(operation) = self.at(index) {
                operation.effect = operation.effect.max(Effect::Execute);
            }
        }
        if self.takes_rights(line) {
            self.sign(index, Sign::ContainerEscape);
        }
        for option in ["-v", "--volume", "--mount"] {
            for value in line.values(option) {
                let shared = shared(&value.shown, option == "--mount");
                for sign in signs_of(&shared) {
                    self.sign(index, sign);
                }
                let access = if shared.is_readonly { Access::Read } else { Access::Write };
                self.touch(index, Target { class: "file", name: shared.source, access, literal: true });
            }
        }
    }

    fn takes_rights(&self, line: &Line) -> bool {
        line.args.iter().enumerate().any(|(at, arg)| {
            let shown = arg.shown.as_str();
            let (name, attached) = shown.split_once('=').map_or((shown, None), |(name, value)| (name, Some(value)));
            let next = || line.args.get(at.saturating_add(1)).map(|arg| arg.shown.as_str());
            let value = attached.or_else(next).unwrap_or_default();
            match name {
                "--privileged" => !matches!(attached, Some("false" | "0")),
                "--security-opt" => !value.starts_with("no-new-privileges") || value.ends_with("false"),
                _ if SPACES.contains(&name) => value == "host",
                _ if RIGHTS.contains(&name) => true,
                _ => ["docker.sock", "containerd.sock", "crio.sock", "podman.sock"]
                    .iter()
                    .any(|socket| shown.contains(socket)),
            }
        })
    }
}

fn signs_of(shared: &Shared) -> Vec<Sign> {
    let source = shared.source.as_str();
    // Without a slash it is the name of a volume.
    if !source.contains('/') && !source.starts_with(['~', '$', '.']) {
        return Vec::new();
    }
    let name = paths::normal(source);
    let mut signs = paths::signs(source, Access::Read);
    let is_plain = PLAIN.iter().any(|plain| is_below(&name, plain));
    let is_time = matches!(name.as_str(), "/etc/localtime" | "/etc/timezone");
    if is_plain && (shared.is_readonly || is_time) {
        return signs;
    }
    if name == "/"
        || WHOLE.iter().any(|folder| is_below(&name, folder))
        || OTHERS.contains(&name.as_str())
        || name == "~/.."
    {
        signs.push(Sign::ContainerEscape);
    }
    if source.contains("SSH_AUTH_SOCK") || super::secrets::is_above_keys(source) {
        signs.push(Sign::CredentialRead);
    }
    if !shared.is_readonly {
        signs.extend(paths::signs(source, Access::Write));
        if name == "~" {
            signs.push(Sign::Persistence);
        }
    }
    signs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(value: &str) -> Vec<Sign> {
        signs_of(&shared(value, value.contains("type=")))
    }

    #[test]
    fn folders_of_the_machine_are_told_however_they_are_spelt() {
        for value in [
            "/:/v",
            "//:/v",
            "/./:/v",
            "/../:/v",
            "/run:/v",
            "/var:/v",
            "/opt:/v",
            "/lib:/v",
            "/etc:/v:ro",
            "/var/run/docker.sock:/s",
        ] {
            assert!(given(value).contains(&Sign::ContainerEscape), "{value}");
        }
        for value in [
            "~/.ssh:/s",
            "~ann/.docker:/d",
            "~/.config:/d:ro",
            "${SSH_AUTH_SOCK}:/a",
            "type=bind,source=~/.ssh,target=/d",
        ] {
            assert!(given(value).contains(&Sign::CredentialRead), "{value}");
        }
        assert!(given("~:/h").contains(&Sign::Persistence));
    }

    #[test]
    fn folders_of_a_project_and_certificates_are_plain() {
        for value in [
            "${PWD}:/w",
            ".:/w",
            "data:/var/lib/postgresql/data",
            "/workspace/app:/app",
            "~/.cache/pip:/c",
            "type=volume,source=data,target=/d",
        ] {
            assert_eq!(given(value), [], "{value}");
        }
        for value in [
            "/etc/ssl/certs:/etc/ssl/certs:ro",
            "/usr/share/zoneinfo:/usr/share/zoneinfo:ro",
            "/etc/localtime:/etc/localtime",
        ] {
            assert!(!given(value).contains(&Sign::ContainerEscape), "{value}");
        }
    }
}
