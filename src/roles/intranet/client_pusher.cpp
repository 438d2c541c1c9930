#include "roles/intranet/client_pusher.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "base/text.hpp"
#include "domain/boundary/belonging.hpp"
#include "site/boundaries.hpp"
#include "site/hosts.hpp"

namespace fp::intranet {

namespace {

constexpr int kOrdersPerPass = 20;
constexpr std::size_t kKeyBytesMax = 64U << 10;
constexpr std::int64_t kForgetMs = std::int64_t{90} * 24 * 3600 * 1000;

// Run by the account's shell on the other side, the bundle at its standard input. What goes wrong is told by the exit code and
// the last line of standard error.
constexpr std::string_view kFarSide =
    "umask 077; d=$(mktemp -d) || exit 70; trap 'rm -rf \"$d\"' EXIT; tar -xzf - -C \"$d\" || exit 71; ";

// Redirects standard input and becomes ssh: neither bundle nor key is in the command line.
constexpr std::string_view kNearSide = "bundle=$1; shift; exec \"$@\" <\"$bundle\"";

std::string last_line(std::string_view text) {
  std::string last;
  for (const auto line : split(text, '\n')) {
    const auto one = trim(line);
    const bool chatter = one.empty() || one.starts_with("Warning: Permanently added") || one.starts_with("Connection to ");
    if (!chatter) last = one;
  }
  if (last.size() > 500) last.resize(500);
  return is_utf8(last) ? last : "(an answer that is no text)";
}

std::string reason_of(const packages::Run& run, std::string_view host) {
  const auto said = last_line(run.err);
  if (run.timed_out) return fmt::format("{} did not finish within {} minutes", host, ClientPusher::kAttemptMs / 60'000);
  if (run.cancelled) return "the site server is stopping";
  if (run.exit_code == 255) return fmt::format("{} could not be logged on to: {}", host, said.empty() ? "ssh said nothing" : said);
  if (run.exit_code == 70) return fmt::format("{} has no room for the bundle: {}", host, said);
  if (run.exit_code == 71) return fmt::format("the bundle could not be unpacked on {}: {}", host, said);
  return fmt::format("the installation on {} ended with {}", host, packages::describe(run));
}

}  // namespace

Result<internet::Verdict> ClientPusher::verdict(const std::string& host) {
  const auto resolved = resolve_(host);  // waits for a server of names: not while the store is held
  return store_.read([&](store::Repositories& r) -> Result<internet::Verdict> {
    std::optional<Device> known;
    auto found = site::device_of_host(r, host);
    if (found) known = std::move(*found);
    else if (found.error().code != Code::not_found) return std::unexpected(found.error());
    FP_TRY(map, site::boundary_map(r, settings_.site_code));
    Result<std::vector<internet::HostAddress>> addresses;
    if (!resolved) addresses = std::unexpected(resolved.error());
    for (const auto& address : resolved.value_or(std::vector<std::string>())) {
      auto belonging = boundary::belongs_to_site(map, address);
      addresses->push_back({address, belonging.inside, std::move(belonging.because)});
    }
    return internet::may_push(host, known, addresses, clock_.now());
  });
}

Status ClientPusher::check_logon(const ClientPush& push, bool has_key) const {
  if (push.logon == PushLogon::kerberos) {
    if (has_key) return fail(Code::invalid, "key: does not go together with Kerberos");
    if (settings_.keytab.empty())
      return fail(Code::invalid, "Kerberos: the site's configuration names no client_push.keytab to log on with");
    return {};
  }
  if (!has_key && settings_.key.empty())
    return fail(Code::invalid, "key: is needed, or client_push.key in the site's configuration, or Kerberos");
  return {};
}

Status ClientPusher::keep_key(const std::string& id, std::string_view pem) {
  const auto text = trim(pem);
  if (text.size() > kKeyBytesMax) return fail(Code::too_large, "key: at most {} bytes", kKeyBytesMax);
  if (!text.starts_with("-----BEGIN ") || text.find("PRIVATE KEY-----") == std::string_view::npos)
    return fail(Code::invalid, "key: is not a private key (PEM)");
  if (text.find("ENCRYPTED") != std::string_view::npos)
    return fail(Code::invalid, "key: has a password, which nobody could type here; make a key for this purpose without one");
  FP_CHECK(make_dirs(settings_.folder, 0700));
  return write_file(key_of(id), std::string(text) + "\n", 0600);
}

void ClientPusher::forget_secrets(const std::string& id) {
  for (const auto& path : {key_of(id), issued_of(id)})
    if (const Status gone = remove_tree(path); !gone) log::warning("client-push", "{}", gone.error().message);
}

Status ClientPusher::resume() {
  return store_.write([&](store::Repositories& r) -> Status {
    FP_TRY(all, r.client_pushes.list());
    for (auto& push : all)
      if (push.state == PushState::running) FP_CHECK(r.client_pushes.put(internet::interrupted(std::move(push), clock_.now())));
    return {};
  });
}

Result<int> ClientPusher::run_once(const std::atomic<bool>& stop) {
  FP_TRY(due, store_.read([&](store::Repositories& r) { return r.client_pushes.due(clock_.now(), kOrdersPerPass); }));
  int made = 0;
  for (auto& push : due) {
    if (stop) break;
    FP_TRY(tried, attempt(std::move(push), stop));
    made += tried ? 1 : 0;
  }
  const auto forgotten = store_.read([&](store::Repositories& r) { return r.client_pushes.list(); });
  const auto old = clock_.now().plus_ms(-kForgetMs);
  if (forgotten && std::ranges::any_of(*forgotten, [&](const ClientPush& p) { return !is_open(p.state) && p.finished_at < old; }))
    FP_CHECK(store_.write([&](store::Repositories& r) { return r.client_pushes.forget_finished(old); }));
  return made;
}

// The order may be cancelled, or tried at once, while it is worked on: what is stored is read again before it is changed.
Result<bool> ClientPusher::attempt(ClientPush push, const std::atomic<bool>& stop) {
  FP_TRY(taken, store_.write([&](store::Repositories& r) -> Result<bool> {
    FP_TRY(current, r.client_pushes.find(push.id));
    if (current.state != PushState::waiting) return false;
    current.state = PushState::running;
    FP_CHECK(r.client_pushes.put(current));
    push = std::move(current);
    return true;
  }));
  if (!taken) return false;
  const auto done = try_it(push, stop);
  PushAttempt made{clock_.now(), done.has_value(), done ? *done : done.error().message};
  if (done) log::info("client-push", "{}: {}: {}", push.id, push.host, made.reason);
  else log::warning("client-push", "{}: {}: {}", push.id, push.host, made.reason);
  FP_TRY(after, store_.write([&](store::Repositories& r) -> Result<ClientPush> {
    FP_TRY(current, r.client_pushes.find(push.id));
    auto next = internet::after_attempt(std::move(current), made);
    FP_CHECK(r.client_pushes.put(next));
    StatusEvent event;
    event.at = made.at;
    event.severity = made.succeeded ? 0 : next.state == PushState::failed ? 2 : 1;
    event.component = "client-push";
    event.text = fmt::format("{}: {}: {}{}", next.id, next.host, made.reason, next.state == PushState::failed ? "; given up after seven days" : "");
    FP_CHECK(r.states.add_event(event));
    return next;
  }));
  if (!is_open(after.state)) forget_secrets(after.id);
  return true;
}

Result<std::string> ClientPusher::try_it(const ClientPush& push, const std::atomic<bool>& stop) {
  FP_TRY(may, verdict(push.host));
  if (!may.offered) return fail(Code::conflict, "{}", may.reason);
  FP_CHECK(make_dirs(settings_.folder, 0700));
  // A host that lets nobody in costs no certificate.
  FP_CHECK(run(push, "/dev/null", "true", stop));
  FP_TRY(bundle, bundle_of(push));
  FP_TRY(packed, site::tar_gz(bundle.files, clock_.now()));
  const Path file = settings_.folder / (push.id + ".tar.gz");
  FP_CHECK(write_file(file, packed, 0600));
  const Status ran = run(push, file, fmt::format("{}{}sh \"$d/install.sh\" >&2", kFarSide, push.user == "root" ? "" : "sudo -n "), stop);
  FP_CHECK(remove_tree(file));
  FP_CHECK(ran);
  return fmt::format("installed as a client ({})", site::to_string(push.kind));
}

// The certificate is issued at the first attempt that needs it and kept for the next ones.
Result<site::ClientBundle> ClientPusher::bundle_of(const ClientPush& push) {
  site::BundleOrder order;
  order.kind = push.kind;
  order.fsp = push.fsp;
  const Path kept = issued_of(push.id);
  order.issue = push.issue && !file_exists(kept);
  if (order.issue) order.name = push.host;
  FP_TRY(bundle, make_(order));
  if (!push.issue) return bundle;
  constexpr std::string_view kFolder = "certificates/";
  if (order.issue) {
    FP_CHECK(make_dirs(kept, 0700));
    for (const auto& f : bundle.files)
      if (f.name.starts_with(kFolder)) FP_CHECK(write_file(kept / f.name.substr(kFolder.size()), f.bytes, 0600));
    return bundle;
  }
  std::error_code ec;
  for (const auto& entry : std::filesystem::directory_iterator(kept, ec)) {
    FP_TRY(bytes, read_file(entry.path(), kKeyBytesMax));
    bundle.files.push_back({std::string(kFolder) + entry.path().filename().native(), 0600, std::move(bytes)});
  }
  return bundle;
}

Status ClientPusher::run(const ClientPush& push, const Path& input, const std::string& what, const std::atomic<bool>& stop) {
  packages::Command c;
  c.argv = {"/bin/sh", "-c", std::string(kNearSide), "push", input.native()};
  for (auto& word : ssh(push)) c.argv.push_back(std::move(word));
  c.argv.push_back(what);
  if (push.logon == PushLogon::kerberos) {
    c.environment["KRB5_CLIENT_KTNAME"] = "FILE:" + settings_.keytab.native();
    c.environment["KRB5CCNAME"] = "MEMORY:";
  }
  c.limit_ms = kAttemptMs;
  c.cancel = &stop;
  const auto ran = runner_.run(c);
  if (!ran) return std::unexpected(ran.error().with_context("starting ssh"));
  if (!ran->ok()) return fail(Code::unavailable, "{}", reason_of(*ran, push.host));
  return {};
}

std::vector<std::string> ClientPusher::ssh(const ClientPush& push) const {
  const bool kerberos = push.logon == PushLogon::kerberos;
  std::vector<std::string> out{"ssh", "-F", "none", "-T", "-p", std::to_string(push.port), "-l", push.user};
  const auto option = [&](const std::string& text) { out.insert(out.end(), {"-o", text}); };
  option("BatchMode=yes");
  option("ConnectTimeout=20");
  option("ServerAliveInterval=15");
  option("ServerAliveCountMax=4");
  option("ForwardAgent=no");
  option("GlobalKnownHostsFile=/dev/null");
  option(std::string("PreferredAuthentications=") + (kerberos ? "gssapi-with-mic" : "publickey"));
  option(std::string("GSSAPIAuthentication=") + (kerberos ? "yes" : "no"));
  if (push.fingerprint.empty()) {
    option("UserKnownHostsFile=" + (settings_.folder / "known_hosts").native());
    option("StrictHostKeyChecking=accept-new");
  } else {
    // The key whose fingerprint it is, and no other, becomes known for this connection.
    option("UserKnownHostsFile=/dev/null");
    option("StrictHostKeyChecking=yes");
    option(fmt::format("KnownHostsCommand=/bin/sh -c '[ \"%f\" != \"{}\" ] || echo \"%H %t %K\"'", push.fingerprint));
  }
  if (!kerberos) {
    const Path own = key_of(push.id);
    option("IdentitiesOnly=yes");
    option("IdentityFile=" + (file_exists(own) ? own : settings_.key).native());
  }
  out.push_back(push.host);
  return out;
}

}  // namespace fp::intranet
