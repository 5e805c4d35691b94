//! Options by which a client of a cluster goes to another one than is set, or asks as somebody else.

use super::super::vocabulary::Sign;
use super::args::Line;
use super::Walker;

/// Options that say where to: `kubectl --server`, `helm --kube-context`.
const WHERE: &[&str] = &[
    "-s",
    "--server",
    "--context",
    "--cluster",
    "--kubeconfig",
    "--tls-server-name",
    "--certificate-authority",
    "--kube-context",
    "--kube-apiserver",
    "--kube-ca-file",
    "--kube-tls-server-name",
];

/// Options that say who asks.
const WHO: &[&str] = &[
    "--as",
    "--as-group",
    "--as-uid",
    "--token",
    "--user",
    "--username",
    "--client-certificate",
    "--client-key",
    "--kube-token",
    "--kube-as-user",
    "--kube-as-group",
];

impl Walker<'_> {
    /// The options of `kubectl`, `oc` and `helm` that count.
    pub(super) fn other_cluster(&mut self, index: usize, name: &str, line: &Line) {
        // `helm template -s` names a file, and with `helm repo` a user is one of a registry.
        let is_helm = name == "helm";
        let names = |option: &&str| !is_helm || option.starts_with("--kube");
        // WHY not `has` for a letter: it may stand among others, as in `-ojson`.
        let is_there = |option: &str| if option.len() == 2 { line.saw_any(&[option]) } else { line.has(option) };
        let given = |options: &[&str]| options.iter().filter(|option| names(option)).any(|option| is_there(option));
        if given(WHERE) {
            self.sign(index, Sign::UnverifiedServer);
        }
        if given(WHO) {
            self.sign(index, Sign::PrivilegeChange);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::tree_of;
    use super::*;

    fn signs(text: &str) -> Vec<Sign> {
        tree_of(text).operations.into_iter().flat_map(|operation| operation.facts.signs).collect()
    }

    #[test]
    fn another_cluster_or_another_name_is_a_sign() {
        for text in [
            "kubectl --server=https://c.example get pods",
            "kubectl --server https://c.example get pods",
            "kubectl -s https://c.example get pods",
            "kubectl get pods --context=prod",
            "kubectl --cluster prod get pods",
            "oc --context prod get pods",
            "helm --kube-context prod list",
            "helm list --kube-context=prod",
        ] {
            assert_eq!(signs(text), [Sign::UnverifiedServer], "{text}");
        }
        for text in ["kubectl --token=x get pods", "kubectl --user admin get pods", "kubectl get pods --as=x"] {
            assert_eq!(signs(text), [Sign::PrivilegeChange], "{text}");
        }
    }

    #[test]
    fn other_options_are_none() {
        for text in [
            "kubectl get pods -ojson",
            "kubectl get pods -n system",
            "kubectl -nsystem get pods",
            "kubectl get pods -l context=x",
            "kubectl logs web --since=1h",
            "helm template -s templates/x.yaml .",
        ] {
            assert_eq!(signs(text), [], "{text}");
        }
    }
}
