#include "agent/core/crl.hpp"

#include <algorithm>
#include <set>

#include "base/log.hpp"
#include "base/text.hpp"
#include "pki/crl_store.hpp"

namespace fp::agent {

namespace {

constexpr std::size_t kListBytesMax = 16U << 20;
constexpr std::string_view kBegin = "-----BEGIN X509 CRL-----\n", kEnd = "-----END X509 CRL-----\n";

std::string to_pem(std::string_view der) {
  const auto text = base64(der);
  std::string out(kBegin);
  for (std::size_t n = 0; n < text.size(); n += 64) out.append(text, n, 64).push_back('\n');
  return out.append(kEnd);
}

std::set<std::string> urls_of(const ClientCertificate& certificate, const InstallSettings& settings) {
  std::set<std::string> out;
  const auto add = [&](const pki::Certificate& c) { out.insert(c.crl_urls().begin(), c.crl_urls().end()); };
  add(certificate.certificate);
  for (const auto& c : certificate.chain) add(c);
  if (!settings.ca_file.empty()) {
    if (auto text = read_file(Path(settings.ca_file), 4U << 20)) {
      if (auto chain = pki::Certificate::chain_from_pem(*text)) {
        for (const auto& c : *chain) add(c);
      }
    }
  }
  return out;
}

// When the file has to be made anew; 0: now.
Instant good_until(const Path& file, Instant& half) {
  auto text = read_file(file, 64U << 20);
  Instant until;
  if (!text) return until;
  for (std::size_t at = text->find(kBegin); at != std::string::npos; at = text->find(kBegin, at + 1)) {
    auto list = pki::Crl::parse(std::string_view(*text).substr(at));
    if (!list) return {};
    const Instant middle{(list->this_update().ms + list->next_update().ms) / 2};
    if (until.ms == 0 || list->next_update() < until) until = list->next_update();
    if (half.ms == 0 || middle < half) half = middle;
  }
  return until;
}

Result<std::string> fetch_all(const std::set<std::string>& urls,
                              const std::function<std::unique_ptr<Transport>(const HttpTransportOptions&)>& connect,
                              const HttpTransportOptions& way) {
  auto transport = connect(way);
  std::string all;
  for (const auto& url : urls) {
    Call call;
    call.url = url;
    call.reply_bytes_max = kListBytesMax;
    auto reply = transport->send(call);
    if (!reply) return fail(Code::unavailable, "{}: {}", url, reply.error().message);
    if (reply->status != 200) return fail(Code::unavailable, "{}: answered {}", url, reply->status);
    auto list = pki::Crl::parse(reply->body);
    if (!list) return fail(Code::unavailable, "{}: what came is no revocation list: {}", url, list.error().message);
    all += reply->body.starts_with("-----BEGIN") ? reply->body : to_pem(reply->body);
  }
  return all;
}

}  // namespace

Result<Path> refresh_crls(const ClientCertificate& certificate, const Path& file, Instant now,
                          const std::function<std::unique_ptr<Transport>(const HttpTransportOptions&)>& connect,
                          const InstallSettings& settings, const HttpTransportOptions& way) {
  Instant half;
  const auto until = good_until(file, half);
  if (now < half) return file;
  const auto urls = urls_of(certificate, settings);
  if (urls.empty()) {
    return fail(Code::unavailable,
                "no certificate names a CRL distribution point: give --crl-file, or /NoCRLCheck to do without");
  }
  auto all = fetch_all(urls, connect, way);
  if (!all && !way.outbound.proxies.empty()) {
    auto other = way;
    other.intranet = [inside = way.intranet](const std::string& url) { return !(inside && inside(url)); };
    if (auto again = fetch_all(urls, connect, other)) all = std::move(again);
  }
  if (all) {
    FP_CHECK(write_file(file, *all, 0600));
    return file;
  }
  log::warning("client-auth", "revocation list not renewed: {}", all.error().message);
  if (now < until) return file;
  return std::unexpected(all.error());
}

}  // namespace fp::agent
