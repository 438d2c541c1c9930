// .sms_aut (wire.md §7): what a client must know about the site before it can speak to it.
#include "wire/authority.hpp"

#include "base/text.hpp"
#include "roles/mp/context.hpp"

namespace fp::mp {

namespace {

using wire::AuthorityKeyword;

std::string short_name(std::string_view fqdn) { return upper(fqdn.substr(0, fqdn.find('.'))); }

Outcome<std::string> mp_list(Context& context, const net::Request& request,
                             const wire::AuthorityQuery& query) {
  if (!is_own_site(context, request, query.site_code)) return wire::encode_mp_list({});  // nobody else's are known
  if (query.keyword == AuthorityKeyword::mp_list_internet && request.peer.door != Door::internet_https) {
    // The published names are no secret, and an intranet client needs them before it leaves.
    auto list = mp_entries(context, Door::internet_https, {});
    if (!list) return refused(503, list.error().message);
    return wire::encode_mp_list(*list);
  }
  auto list = mp_entries(context, request.peer.door, place_of(request, nullptr));
  if (!list) return refused(503, list.error().message);
  if (query.keyword == AuthorityKeyword::mp_list_site)
    for (wire::MpEntry& entry : *list) entry.site_code = context.settings.site_code;
  return wire::encode_mp_list(*list);
}

Outcome<std::string> reply_to(Context& context, const net::Request& request,
                              const wire::AuthorityQuery& query) {
  const Settings& site = context.settings;
  const std::string& host = context.host(request);
  const std::string& certificate = context.certificate_der(request);
  switch (query.keyword) {
    case AuthorityKeyword::mp_list:
    case AuthorityKeyword::mp_list_site:
    case AuthorityKeyword::mp_list_internet:
      return mp_list(context, request, query);
    case AuthorityKeyword::mp_certificate:
    case AuthorityKeyword::mp_certificate2:
      if (certificate.empty()) return refused(404, "this management point has no certificate");
      return wire::encode_mp_certificate(certificate);
    case AuthorityKeyword::key_information:
    case AuthorityKeyword::key_information_ex:
    case AuthorityKeyword::key_information_media:
      return wire::encode_key_information({.machine_name = short_name(host),
                                           .fqdn = host,
                                           .site_code = site.site_code,
                                           .assigned_site_code = site.site_code,
                                           .certificate_der = certificate,
                                           .trusted_root_key = site.trusted_root_key,
                                           .unknown_x86 = site.unknown_x86,
                                           .unknown_x64 = site.unknown_x64},
                                          query.keyword);
    case AuthorityKeyword::site_sign_certificate:
      return wire::encode_site_sign_certificate(site.site_signing_certificate_der, site.site_signing_proof);
    case AuthorityKeyword::trusted_root_key:
      return wire::encode_trusted_root_key(site.trusted_root_key);
    case AuthorityKeyword::mp_location:
      return wire::encode_mp_location({.mp_host = host,
                                       .assigned_site_code = site.site_code,
                                       .certificate_der = certificate,
                                       .site_sign_certificate_der = site.site_signing_certificate_der});
    case AuthorityKeyword::trace:
      return wire::encode_trace();
    case AuthorityKeyword::client_affinity: {
      // Who owns a device is told to that device only.
      const auto device = prove_headers(context, request);
      if (!device) return std::unexpected(device.error());
      if (!query.client_id.empty() && query.client_id != device->client_id)
        return refused(403, "the affinity of another client was asked for");
      return wire::encode_client_affinity({});
    }
  }
  return refused(404, "unknown keyword");
}

}  // namespace

net::Response answer_authority(Context& context, const net::Request& request) {
  const auto query = wire::parse_authority_query(request.query);
  if (!query)
    return context.refuse("mp.location", request, {},
                          {query.error().code == Code::not_found ? 404 : 400, query.error().message});
  auto reply = reply_to(context, request, *query);
  if (!reply) return context.refuse("mp.location", request, query->client_id, reply.error());
  net::Response response = net::Response::text(200, "text/xml", *reply);
  if (request.method == "HEAD") {
    response.head_length = static_cast<std::int64_t>(reply->size());
    response.body.clear();
  }
  return response;
}

}  // namespace fp::mp
