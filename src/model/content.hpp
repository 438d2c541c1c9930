// Content versions, manifests, distribution points (wire.md §11, domain.md §11, docs/protocol.md "manifest"). Plain values.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace fp {

struct ManifestFile {
  std::string path;                       // relative, '/' between parts
  std::int64_t size = 0;
  std::string sha256;                     // lower-case hex of the whole file
  std::vector<std::string> chunk_sha256;  // lower-case hex of each chunk of chunk_bytes (the last may be shorter); empty file: none
  Instant modified;
};

struct Manifest {
  std::string content_id;                 // canonical, with version
  std::int64_t chunk_bytes = 1 << 20;
  std::vector<ManifestFile> files;        // sorted by path (bytewise)
  std::string root_hash;                  // lower-case hex; stands in the signed policy
  [[nodiscard]] std::int64_t total_bytes() const {
    std::int64_t sum = 0;
    for (const auto& f : files) sum += f.size;
    return sum;
  }
};

struct ContentVersion {
  std::string content_id;                 // LAB00002.1, Content_<guid>.1
  std::string owner_id;                   // package id, application id
  std::int64_t bytes = 0, files = 0;
  std::string root_hash;
  std::string source_path;
  Instant created_at;
};

enum class Connections { intranet, internet, both };

struct DistributionPoint {
  std::string name;                       // host name, the key
  std::string intranet_url, internet_url; // "https://dp1.corp.example:443"; empty: not offered there
  Connections connections = Connections::both;
  bool local = false;                     // runs in the site server's own process
  bool pull = false;
  std::vector<std::string> pull_sources;  // names of other DPs, first is tried first
  bool maintenance = false;               // not offered to clients, gets no content
  std::int64_t validate_every_h = 168;
  Instant validated_at;
  std::string push_url;                   // where the site pushes to (admin side of the DP); empty for local and pull
  bool over_link = false;                 // its host has a site link under the same name, and the site speaks to it there
};

enum class DistributionState { pending, transferring, ok, failed, corrupt, removing };
struct Distribution {
  std::string dp, content_id;
  DistributionState state = DistributionState::pending;
  std::string detail;                     // the reason, one sentence
  std::int64_t bytes_done = 0;
  int attempts = 0;
  Instant updated_at;
};

struct ManagementPoint {
  std::string name;                       // host name
  std::string intranet_url, internet_url;
  Connections connections = Connections::both;
  // On another host it speaks to the site over the site link (docs/protocol/site-link.md).
  std::string fingerprint;                // SHA-256 of the certificate it shows there; empty: it runs in the site server
  std::string link;                       // "host:port" where the site opens the link; empty: the other host opens it
  std::string site_code;                  // of the secondary site it belongs to; empty: of this one
  std::vector<std::string> subnets;       // "10.1.0.0/16": there the secondary site's is the proxy management point
  bool gateway = false;                   // it is that of a gateway: on the internet, for the internet only
};

}  // namespace fp
