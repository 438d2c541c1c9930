// farpoint doctor: the way from here to a site system. No site is asked; the certificate of a client opens the doctor's door.
#include "cli/session.hpp"
#include "cli/doctor_report.hpp"

namespace fp::cli {
namespace {

constexpr std::size_t kPemBytesMax = 4U << 20;

struct Options {
  std::vector<std::string> urls;
  std::string certificate, key, ca, proxy;
  bool inside = false, no_crl_check = false;
};

Result<doctor::Subject> subject_of(const Options& o, const std::string& typed) {
  doctor::Subject s;
  FP_TRY(url, doctor_url(typed));
  s.url = std::move(url);
  s.client = doctor_client();
  s.client.tls.certificate_file = o.certificate;
  s.client.tls.key_file = o.key.empty() ? o.certificate : o.key;
  s.client.tls.ca_file = o.ca;
  s.client.proxy = o.proxy;
  s.proxy_source = "command line";
  s.internet = !o.inside;
  s.check_revocation = !o.no_crl_check;
  if (!o.ca.empty()) {
    FP_TRY(pem, read_file(o.ca, kPemBytesMax));
    s.roots_pem = std::move(pem);
  }
  if (!o.certificate.empty()) {
    FP_TRY(pem, read_file(o.certificate, kPemBytesMax));
    if (o.key.empty() && pem.find("PRIVATE KEY-----") == std::string::npos)
      return fail(Code::invalid, "{} holds no private key: name its key with --client-key", o.certificate);
    FP_TRY(chain, pki::Certificate::chain_from_pem(pem));
    s.own_chain = std::move(chain);
  }
  return s;
}

Status examine_all(Cli& cli, const Options& o) {
  std::vector<doctor::Finding> all;
  for (const auto& url : o.urls) {
    FP_TRY(subject, subject_of(o, url));
    auto found = doctor::examine(subject, surroundings_of_doctor());
    all.insert(all.end(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end()));
  }
  cli.exit_code = show_findings(all, cli.as_json);
  return {};
}

}  // namespace

void add_doctor_verb(CLI::App& app, Cli& cli) {
  auto options = std::make_shared<Options>();
  auto& o = *options;
  auto* verb = app.add_subcommand(
      "doctor", "examine the way from here to site systems: names, certificates, verbs, headers, ranges, bodies");
  verb->add_option("url", o.urls, "https://HOST[:PORT] of management points and distribution points")->required();
  verb->add_option("--client-cert", o.certificate, "PEM certificate of a client, with its chain")->check(CLI::ExistingFile);
  verb->add_option("--client-key", o.key, "its PEM key")->check(CLI::ExistingFile);
  verb->add_option("--ca", o.ca, "PEM file of the roots that the servers chain to; else the machine's")->check(CLI::ExistingFile);
  verb->add_option("--proxy", o.proxy, "web proxy on the way, http://HOST:PORT");
  verb->add_flag("--intranet", o.inside, "the names need not be public");
  verb->add_flag("--no-crl-check", o.no_crl_check, "leave the revocation lists out");
  verb->callback([&cli, options] { cli.run([&] { return examine_all(cli, *options); }); });
}

}  // namespace fp::cli
