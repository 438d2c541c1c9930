// farpoint pki ...: the certificate authority in a folder of this machine. No site is asked.
#include "cli/session.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "pki/authority.hpp"

namespace fp::cli {
namespace {

struct Options {
  Path ca = "/var/lib/farpoint/ca", out = ".", request;
  std::string name, profile = "client", organisation, crl_url, serial;
  std::vector<std::string> dns, ip;
  int days = 365, key_bits = 2048, reason = 0;
};

Result<pki::CertificateAuthority> open_ca(const Options& o) {
  if (!file_exists(o.ca / "authority.conf"))
    return fail(Code::not_found, "there is no certificate authority in {}: name its folder with --ca, such as DATA/ca of a site", o.ca.native());
  return pki::CertificateAuthority::open(o.ca, system_clock(), system_random());
}

Result<pki::Order> order_of(const Options& o) {
  pki::Order order;
  FP_TRY(profile, pki::parse_profile(o.profile));
  order.profile = profile;
  order.common_name = o.name;
  order.organisation = o.organisation;
  order.dns_names = o.dns;
  order.ip_addresses = o.ip;
  order.not_before = system_clock().now().plus_s(-300);
  order.not_after = system_clock().now().plus_s(86400LL * o.days);
  return order;
}

// The file name of a certificate is the first label of its name.
std::string stem_of(const Options& o) {
  std::string stem;
  for (const char c : o.name.substr(0, o.name.find('.')))
    stem += std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' ? c : '_';
  return stem.empty() ? "certificate" : stem;
}

Status issue(Cli& cli, const Options& o) {
  FP_TRY(order, order_of(o));
  FP_TRY(ca, open_ca(o));
  FP_CHECK(make_dirs(o.out, 0700));
  const Path pem = o.out / (stem_of(o) + ".pem"), key = o.out / (stem_of(o) + ".key");
  if (file_exists(pem)) return fail(Code::conflict, "{} exists already: name another folder with --out", pem.native());
  FP_TRY(identity, ca.issue_with_new_key(order, o.key_bits));
  FP_TRY(key_pem, identity.key.to_pem());
  FP_CHECK(write_file(key, key_pem, 0600));
  FP_CHECK(write_file(pem, ca.chain_pem(identity.certificate)));
  if (cli.as_json)
    cli.show_object(json::object{{"certificate", pem.native()}, {"key", key.native()}, {"serial", identity.certificate.serial()},
                                 {"fingerprint", identity.certificate.fingerprint()}, {"until", to_iso(identity.certificate.not_after())}});
  cli.say(fmt::format("{}\n{}\nserial {}, valid until {}", pem.native(), key.native(),
                      identity.certificate.serial(), to_iso(identity.certificate.not_after())));
  if (order.profile == pki::Profile::proxy)
    cli.say(fmt::format("pinned_proxies = [\"{}\"]  # into [pki] of farpoint.toml, on every host that it bridges to",
                        identity.certificate.fingerprint()));
  return {};
}

Status sign_request(Cli& cli, const Options& o) {
  FP_TRY(order, order_of(o));
  FP_TRY(request, read_file(o.request, 64U << 10));
  FP_TRY(ca, open_ca(o));
  FP_TRY(certificate, ca.issue_request(request, order));
  FP_CHECK(make_dirs(o.out, 0700));
  Path pem = o.out / o.request.filename();
  pem.replace_extension(".pem");
  if (file_exists(pem)) return fail(Code::conflict, "{} exists already: name another folder with --out", pem.native());
  FP_CHECK(write_file(pem, ca.chain_pem(certificate)));
  if (cli.as_json) cli.show_object(json::object{{"certificate", pem.native()}, {"serial", certificate.serial()}});
  cli.say(fmt::format("{}\nserial {}", pem.native(), certificate.serial()));
  return {};
}

Status list(Cli& cli, const Options& o) {
  FP_TRY(ca, open_ca(o));
  FP_TRY(all, ca.issued());
  json::array rows;
  for (const auto& r : all)
    rows.push_back(json::object{{"serial", r.serial},
                                {"profile", r.profile},
                                {"name", r.common_name},
                                {"issued", to_iso(r.issued_at)},
                                {"until", to_iso(r.not_after)},
                                {"revoked", r.revoked_at.ms == 0 ? "" : to_iso(r.revoked_at)}});
  cli.show_rows(rows, {{"SERIAL", "serial"},
                       {"PROFILE", "profile"},
                       {"NAME", "name"},
                       {"ISSUED", "issued"},
                       {"UNTIL", "until"},
                       {"REVOKED", "revoked"}});
  return {};
}

Status init(Cli& cli, const Options& o) {
  pki::AuthoritySettings settings;
  if (!o.name.empty()) settings.name = o.name;
  settings.organisation = o.organisation;
  settings.crl_base_url = o.crl_url;
  FP_TRY(ca, pki::CertificateAuthority::init(o.ca, settings, system_clock(), system_random()));
  cli.say(fmt::format("authority in {}: give root.pem to everybody who shall trust it", o.ca.native()));
  return {};
}

void add_order_options(CLI::App& c, Options& o) {
  c.add_option("--profile", o.profile, "client, server, proxy, admin")->capture_default_str();
  c.add_option("--name", o.name, "common name");
  c.add_option("--dns", o.dns, "DNS name; may be repeated");
  c.add_option("--ip", o.ip, "IP address; may be repeated");
  c.add_option("--organisation", o.organisation, "O= of the subject");
  c.add_option("--days", o.days, "how long it is valid")->check(CLI::Range(1, 3650))->capture_default_str();
  c.add_option("--out", o.out, "folder to write to")->capture_default_str();
}

}  // namespace

void add_pki_verbs(CLI::App& app, Cli& cli) {
  static Options o;
  auto* pki = app.add_subcommand("pki", "the site's own certificate authority: issue, revoke, lists (works on files)");
  pki->require_subcommand(1);
  const auto verb = [&](const char* name, const char* help, Status (*work)(Cli&, const Options&)) {
    auto* c = pki->add_subcommand(name, help);
    c->add_option("--ca", o.ca, "folder of the authority")->capture_default_str();
    c->callback([&cli, work] { cli.run([&] { return work(cli, o); }); });
    return c;
  };
  auto* init_verb = verb("init", "make an authority: root and issuing", init);
  init_verb->add_option("--name", o.name, "of the authority");
  init_verb->add_option("--organisation", o.organisation, "O= of its certificates");
  init_verb->add_option("--crl-url", o.crl_url, "where the lists will be published: http://crl.example.com/");
  auto* issue_verb = verb("issue", "make a key and a certificate", issue);
  add_order_options(*issue_verb, o);
  issue_verb->add_option("--key-bits", o.key_bits, "length of the RSA key")
      ->check(CLI::IsMember({2048, 3072, 4096}))
      ->capture_default_str();
  auto* sign_verb = verb("sign", "a certificate for a request (PKCS#10) whose key stays where it is", sign_request);
  sign_verb->add_option("request", o.request, "PEM or DER file")->required()->check(CLI::ExistingFile);
  add_order_options(*sign_verb, o);
  verb("list", "what was issued", list);
  auto* revoke_verb = verb("revoke", "revoke a certificate and write a new list", [](Cli& c, const Options& opt) -> Status {
    FP_TRY(ca, open_ca(opt));
    FP_CHECK(ca.revoke(opt.serial, opt.reason));
    c.say(opt.serial + ": revoked; a running site takes the new list with SIGHUP or within minutes");
    return {};
  });
  revoke_verb->add_option("serial", o.serial, "as `list` shows it")->required();
  revoke_verb->add_option("--reason", o.reason, "reason code of RFC 5280")->capture_default_str();
  verb("crl", "write both lists anew", [](Cli& c, const Options& opt) -> Status {
    FP_TRY(ca, open_ca(opt));
    FP_CHECK(ca.refresh_crl());
    c.say((opt.ca / "issuing.crl").native());
    return {};
  });
}

}  // namespace fp::cli
