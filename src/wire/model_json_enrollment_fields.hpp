// The members of enrolment's nouns as JSON: a part of model_json_fields.hpp, which includes it. Any thread; pure. Never: the hash of a
// token or a certificate, which storage keeps in columns of their own.
#pragma once

namespace fp::wire::fields {

// A host name, or a star as its whole left-most label.
inline auto host_pattern() {
  return [](std::string& v) -> std::string {
    if (v.empty()) return {};
    const bool star = v.starts_with("*.");
    auto name = parse_host(star ? std::string_view(v).substr(2) : std::string_view(v));
    if (!name) return "must be a host name, or *. and a domain";
    v = star ? "*." + *name : *name;
    return {};
  };
}
template <class A> void fields(A& a, EnrollmentToken& x) {
  a("id", x.id, object_id());
  a("kind", x.kind);
  a("names", x.names, size_max(kNameBytesMax), host_pattern());
  a("uses", x.uses, range(1, 100'000));
  a("used", x.used, range(0, 100'000));
  a("created_at", x.created_at);
  a("expires_at", x.expires_at);
  a("last_used_at", x.last_used_at);
  a("revoked_at", x.revoked_at);
  a("created_by", x.created_by, size_max(kNameBytesMax));
  a("last_used_by", x.last_used_by, size_max(kNameBytesMax));
}
template <class A> void fields(A& a, Enrollment& x) {
  a("serial", x.serial, required(), size_max(64));
  a("name", x.name, required(), host());
  a("kind", x.kind);
  a("by", x.by, size_max(kNameBytesMax));
  a("key_fingerprint", x.key_fingerprint, sha256());
  a("replaces_fingerprint", x.replaces_fingerprint, sha256());
  a("address", x.address, size_max(kNameBytesMax));
  a("via", x.via, size_max(kNameBytesMax));
  a("at", x.at);
  a("not_after", x.not_after);
}
template <class A> void fields(A& a, EnrollmentProxyPoint& x) {
  a("name", x.name, required(), host());
  a("connections", x.connections);
  a("fingerprint", x.fingerprint, sha256());
  a("link", x.link, size_max(300), host_and_port());
}

}  // namespace fp::wire::fields
