// The way of a scan for updates: SOAP to the paths of MS-WUSP, small and as large as a client that knows much sends it.
#include "base/text.hpp"
#include "doctor/visit.hpp"
#include "wire/wsus.hpp"

namespace fp::doctor {
namespace {

namespace wsus = wire::wsus;

constexpr const char* kPass = "have every firewall and proxy in front of the software update point pass POST with bodies of text/xml up to 2 MiB to "
                              "/ClientWebService, /SimpleAuthWebService and /ReportingWebService (farpoint publish makes it so)";
constexpr std::size_t kLargeIds = 40'000;  // about 1 MiB

Result<Answer> ask(Visit& visit, const wsus::Request& request) {
  const auto encoded = wsus::encode_request(request);
  net::ClientRequest r;
  r.method = "POST";
  r.headers = {{"Content-Type", "text/xml; charset=utf-8"}, {"SOAPAction", encoded.action}};
  r.body = encoded.body;
  return visit.ask(std::move(r), std::string(encoded.path));
}

// The answer to a cookie that nobody gave out: only a software update point knows to say so.
bool refuses_cookie(const Result<Answer>& answer) {
  if (!answer || answer->response.status != 500) return false;
  const auto fault = wsus::decode_fault(answer->response.body);
  return fault && fault->problem == wsus::Problem::invalid_cookie;
}

std::string said(const Result<Answer>& answer) {
  return answer ? fmt::format("answered {}", answer->response.status) : answer.error().message;
}

}  // namespace

void check_updates(Visit& visit) {
  // Asked without a body first: who does not know the path says 404 to that, whatever he says to a body that he did not want.
  net::ClientRequest look;
  look.method = "GET";
  const auto known = visit.ask(std::move(look), std::string(wsus::encode_request(wsus::GetConfig{}).path));
  const auto config = ask(visit, wsus::GetConfig{"2.90"});
  if ((known && known->response.status == 404) || (config && config->response.status == 404)) {
    visit.ok("update scan", "no software update point at this address, or a proxy in front of it does not pass its paths");
    return;
  }
  if (!config || config->response.status != 200 || !wsus::decode_config(config->response.body)) {
    visit.add("update scan", Outcome::failed, said(config), kPass);
    return;
  }
  wsus::SyncUpdates large;
  large.cookie.data = "doctor";
  for (std::size_t i = 0; i < kLargeIds; ++i) large.other_cached.push_back(static_cast<std::int64_t>(1'000'000'000 + i));
  if (const auto answer = ask(visit, large); !refuses_cookie(answer)) {
    visit.add("update scan", Outcome::failed, fmt::format("small requests pass, one of 1 MiB does not: {}", said(answer)), kPass);
    return;
  }
  const auto report = ask(visit, wsus::ReportEventBatch{{{}, "doctor"}, {}});
  if (!refuses_cookie(report)) visit.add("update scan", Outcome::failed, fmt::format("its reporting service does not answer: {}", said(report)), kPass);
  else visit.ok("update scan", "the software update point answers, also to large requests");
}

}  // namespace fp::doctor
