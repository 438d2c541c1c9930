// The site's end of /farpoint/dp/v1/: one object speaks to one distribution point. One thread; every call blocks on the network.
// An answer that is no success becomes an Error with the words of the distribution point.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/content.hpp"
#include "net/client.hpp"
#include "wire/dp_link.hpp"
#include "wire/dp_trust.hpp"

namespace fp::dp {

// Over the site link: to the host of that name (net::Link::ask).
using OverLink = std::function<Result<net::Response>(const std::string& name, net::Request& request)>;

// Where the site reaches a distribution point: its own address for that, else the one of the intranet, else the public one.
[[nodiscard]] std::string push_url_of(const fp::DistributionPoint& dp);

class LinkClient {
 public:
  // `longest_call_s`: 0: as long as validation and commit may need.
  LinkClient(std::string url, net::ClientOptions identity, int longest_call_s = 0);
  LinkClient(std::string name, OverLink over_link);

  [[nodiscard]] Result<wire::HeldContent> held(std::string_view content_id);
  [[nodiscard]] Status put_manifest(const Manifest& manifest);
  [[nodiscard]] Result<std::vector<wire::MissingFile>> missing(std::string_view content_id);
  [[nodiscard]] Status put_chunk(std::string_view content_id, std::string_view sha256, std::int64_t index, std::string bytes);
  [[nodiscard]] Status commit(std::string_view content_id);
  [[nodiscard]] Status remove(std::string_view content_id);
  [[nodiscard]] Result<std::vector<wire::FindingLine>> validate(std::string_view content_id);
  [[nodiscard]] Status pull(const wire::PullOrder& order);
  [[nodiscard]] Status put_trust(const wire::DpTrust& trust);

 private:
  [[nodiscard]] Result<std::string> call(std::string method, std::string_view path, std::string body = {});
  struct Reply {
    int status = 0;
    std::string body;
  };
  [[nodiscard]] Result<Reply> by_listener(std::string method, std::string_view path, std::string body);
  [[nodiscard]] Result<Reply> by_link(std::string method, std::string_view path, std::string body);
  std::string base_, name_;
  std::optional<net::Client> client_;
  OverLink over_link_;
};

}  // namespace fp::dp
