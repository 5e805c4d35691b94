//! Builtins that OPA has and this core has not: their names and numbers of arguments. A case that calls one is not
//! supported; a case that only mentions one, because it is replaced by `with`, is answered.

/// The number of arguments of a builtin that is not here.
pub fn arity(name: &str) -> Option<u8> {
    Some(match name {
        "opa.runtime" | "rego.metadata.rule" | "rego.metadata.chain" => 0,
        "http.send" | "uuid.rfc4122" | "net.lookup_ip_addr" | "trace" | "graphql.schema_is_valid" => 1,
        "crypto.x509.parse_certificates"
        | "crypto.x509.parse_certificate_request"
        | "crypto.x509.parse_rsa_private_key" => 1,
        "crypto.parse_private_keys" | "crypto.x509.parse_and_verify_certificates" => 1,
        "rego.parse_module" | "crypto.x509.parse_keypair" => 2,
        "crypto.x509.parse_and_verify_certificates_with_options" => 2,
        "graphql.parse" | "graphql.parse_and_verify" | "graphql.is_valid" => 2,
        "providers.aws.sign_req" => 3,
        _ => return None,
    })
}
