// What a site publishes in a directory and what a client finds there: objects of the class
// serviceConnectionPoint, which every Active Directory knows without an extension of its schema, one for the
// site and one for each management point (domain.md §3.1, §3.6; docs/protocol/directory.md). Attributes to
// values and back, nothing else. Any thread; pure. Never: belief: an object says whom to ask, and whoever is
// asked has to show its certificate.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace fp::wire {

// Of what a directory answers: objects looked at, attributes of one, values of one attribute, bytes of one
// value.
inline constexpr std::size_t kPublishedObjectsMax = 256, kPublishedAttributesMax = 16,
                             kPublishedValuesMax = 32, kPublishedValueBytesMax = 1024;
inline constexpr std::size_t kPublishedVersionCharsMax = 32;

using DirectoryAttributes =
    std::map<std::string, std::vector<std::string>>;  // name in lower case -> values, in no order

// An object below the container of the sites, by its relative name: CN=`name`.
struct DirectoryObject {
  std::string name;
  DirectoryAttributes attributes;
  bool operator==(const DirectoryObject&) const = default;
};

struct PublishedSite {
  std::string site_code;
  std::string version;              // of the product, "0.1.0"
  std::string signing_certificate;  // SHA-256 of the site's signing certificate, 64 hex digits, lower case
  bool operator==(const PublishedSite&) const = default;
};

struct PublishedManagementPoint {
  std::string site_code;
  std::string name;                        // host name
  std::string intranet_url, internet_url;  // "https://mp.corp.example:443"; one of them may be empty
  bool operator==(const PublishedManagementPoint&) const = default;
};

struct Publication {
  std::vector<PublishedSite> sites;
  std::vector<PublishedManagementPoint> management_points;
  std::vector<std::string> refused;  // objects that keep to no grammar: name and why, for people
};

[[nodiscard]] DirectoryObject encode_published(const PublishedSite& site);
[[nodiscard]] DirectoryObject encode_published(const PublishedManagementPoint& point);

// Objects as a directory gave them, in any order and of anybody. What is not ours is left out; what calls
// itself ours and is not written as above is left out too, and named. Code::too_large: more objects than
// kPublishedObjectsMax.
[[nodiscard]] Result<Publication> decode_published(const std::vector<DirectoryObject>& objects);

// The filter (RFC 4515) that finds these objects; of one site where `site_code` is not empty (by grammar of
// base/ids).
[[nodiscard]] std::string published_filter(std::string_view site_code);
// "CN=System Management,CN=System,DC=corp,DC=example" of corp.example, which keeps to parse_host.
[[nodiscard]] std::string published_container(std::string_view domain);
// The object's place there. Names of ours need no escaping.
[[nodiscard]] std::string published_place(std::string_view name, std::string_view domain);

}  // namespace fp::wire
