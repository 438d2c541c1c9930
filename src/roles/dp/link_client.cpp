#include "roles/dp/link_client.hpp"

#include "base/text.hpp"
#include "wire/manifest.hpp"

namespace fp::dp {
namespace {

constexpr int kLongestCallS = 4 * 3600;  // validation and commit read everything before they answer
constexpr std::size_t kWordsBytesMax = 500;

net::ClientOptions patient(net::ClientOptions options, int longest_call_s) {
  options.low_speed_s = 0;
  options.total_timeout_s = longest_call_s > 0 ? longest_call_s : kLongestCallS;
  return options;
}

Code code_of(int status) {
  switch (status) {
    case 400: return Code::invalid;
    case 401:
    case 403: return Code::forbidden;
    case 404: return Code::not_found;
    case 409: return Code::conflict;
    case 413: return Code::too_large;
    case 422: return Code::corrupt;
    case 507: return Code::io;
    default: return Code::unavailable;
  }
}

}  // namespace

std::string push_url_of(const fp::DistributionPoint& dp) {
  if (!dp.push_url.empty()) return dp.push_url;
  return dp.intranet_url.empty() ? dp.internet_url : dp.intranet_url;
}

LinkClient::LinkClient(std::string url, net::ClientOptions identity, int longest_call_s)
    : base_(std::move(url)), client_(patient(std::move(identity), longest_call_s)) {
  while (base_.ends_with('/')) base_.pop_back();
  base_ += "/farpoint/dp/v1/";
}

Result<std::string> LinkClient::call(std::string method, std::string_view path, std::string body) {
  return call_at(std::move(method), base_ + "contents/" + std::string(path), std::move(body));
}

Result<std::string> LinkClient::call_at(std::string method, std::string url, std::string body) {
  net::ClientRequest request;
  request.send_body = method == "PUT" || method == "POST";
  request.method = std::move(method);
  request.url = std::move(url);
  request.body = std::move(body);
  FP_TRY(reply, client_.perform(request));
  if (reply.status >= 200 && reply.status < 300) return std::move(reply.body);
  const std::string words = is_utf8(reply.body) ? std::string(trim(reply.body)).substr(0, kWordsBytesMax) : std::string{};
  return fail(code_of(reply.status), "HTTP {}{}{}", reply.status, words.empty() ? "" : ": ", words);
}

Result<wire::HeldContent> LinkClient::held(std::string_view content_id) {
  FP_TRY(text, call("GET", content_id));
  return wire::decode_held(text);
}

Status LinkClient::put_manifest(const Manifest& manifest) {
  FP_CHECK(call("PUT", manifest.content_id + "/manifest", wire::encode_manifest(manifest)));
  return {};
}

Result<std::vector<wire::MissingFile>> LinkClient::missing(std::string_view content_id) {
  FP_TRY(text, call("POST", std::string(content_id) + "/missing"));
  return wire::decode_missing(text);
}

Status LinkClient::put_chunk(std::string_view content_id, std::string_view sha256, std::int64_t index, std::string bytes) {
  FP_CHECK(call("PUT", fmt::format("{}/chunks/{}/{}", content_id, sha256, index), std::move(bytes)));
  return {};
}

Status LinkClient::commit(std::string_view content_id) {
  FP_CHECK(call("POST", std::string(content_id) + "/commit"));
  return {};
}

Status LinkClient::remove(std::string_view content_id) {
  FP_CHECK(call("DELETE", content_id));
  return {};
}

Result<std::vector<wire::FindingLine>> LinkClient::validate(std::string_view content_id) {
  FP_TRY(text, call("POST", std::string(content_id) + "/validate"));
  return wire::decode_findings(text);
}

Status LinkClient::pull(const wire::PullOrder& order) {
  FP_CHECK(call("POST", order.content_id + "/pull", wire::encode_pull_order(order)));
  return {};
}

Status LinkClient::put_trust(const wire::DpTrust& trust) {
  FP_CHECK(call_at("PUT", base_ + "trust", wire::encode_dp_trust(trust)));
  return {};
}

}  // namespace fp::dp
