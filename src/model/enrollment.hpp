// Enrolment: tokens that are good for a certificate, what was issued for them, and who may pass requests on (domain.md §26). Plain values.
#pragma once
#include <string>

#include "base/clock.hpp"
#include "model/content.hpp"

namespace fp {

// A mobile device is an internet-only client by itself, and is not served through SSL bridging (the seed).
enum class EnrollmentKind { computer, mobile };
[[nodiscard]] constexpr const char* to_string(EnrollmentKind kind) { return kind == EnrollmentKind::mobile ? "mobile" : "computer"; }

struct EnrollmentToken {
  std::string id;            // site code + 5
  std::string hash;          // SHA-256 hex of the token; the token itself is shown once
  EnrollmentKind kind = EnrollmentKind::computer;
  std::string names;         // the only host name it is good for, or "*.corp.example"; empty: any
  int uses = 1, used = 0;
  Instant created_at, expires_at, last_used_at, revoked_at;
  std::string created_by, last_used_by;  // an administrator; a computer
};

// A certificate that the enrollment point issued.
struct Enrollment {
  std::string serial;        // upper-case hex; the key of the record
  std::string name;          // of the computer: common name and DNS name of the certificate
  EnrollmentKind kind = EnrollmentKind::computer;
  std::string by;            // "token FP100001", "account alice@CORP.EXAMPLE", "certificate <serial>"
  std::string key_fingerprint;       // SHA-256 hex of the SubjectPublicKeyInfo
  std::string replaces_fingerprint;  // of the key that it was renewed with; empty: enrolled anew
  std::string certificate_der;
  std::string address, via;  // where the request came from; the proxy point that passed it on
  Instant at, not_after;
};

// An enrollment proxy point on another host, and the site link to it. One that is a management point too has its link there.
struct EnrollmentProxyPoint {
  std::string name;          // host name
  Connections connections = Connections::internet;
  std::string fingerprint;   // SHA-256 of what the host shows on the site link
  std::string link;          // "host:port" where the site opens it; empty: the host opens it
};

}  // namespace fp
