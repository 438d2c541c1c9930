// A site for tests of the admin API: the SQLite store in a folder of its own, real policy making with a made-up signer, hooks
// that are written down, and one administrator who may do everything. One thread.
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include <algorithm>

#include "base/test_folder.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "domain/internet/client_push.hpp"
#include "roles/admin/api.hpp"
#include "site/hosts.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace fp::admin {

namespace json = boost::json;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

inline std::string text_of_response(const net::Response& response) {
  std::string out;
  for (const auto& segment : response.body)
    if (const auto* text = std::get_if<std::string>(&segment)) out += *text;
  return out;
}

struct Reply {
  int status = 0;
  std::string text;
  json::value body;
  net::Headers headers;

  [[nodiscard]] std::string header(std::string_view name) const {
    for (const auto& [key, value] : headers)
      if (iequals(key, name)) return value;
    return {};
  }
  [[nodiscard]] std::string at(std::string_view field) const {  // of the object; as text
    const auto* v = body.is_object() ? body.as_object().if_contains(field) : nullptr;
    if (!v) return "(absent)";
    return v->is_string() ? std::string(v->as_string()) : json::serialize(*v);
  }
  [[nodiscard]] json::array items() const {
    return body.is_object() && body.as_object().contains("items") ? body.as_object().at("items").as_array() : json::array{};
  }
  [[nodiscard]] std::string message() const {
    return body.is_object() && body.as_object().contains("error")
               ? std::string(body.as_object().at("error").as_object().at("message").as_string())
               : "(no error) " + text;
  }
};

inline std::string member(const json::value& object, std::string_view field) {
  const auto& v = object.as_object().at(field);
  return v.is_string() ? std::string(v.as_string()) : json::serialize(v);
}

inline std::string device_id(int n) { return fmt::format("GUID:00000000-0000-4000-8000-{:012X}", n); }
inline std::string token_of(std::string_view name) { return fmt::format("token-{}", name); }

class AdminSite : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = store::open_sqlite(dir_ / "site.db", clock_);
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
    Hooks hooks;
    hooks.add_content = [](const std::string& id, const Path& source) { return add_folder(id, source); };
    hooks.distribution_wanted = [this] { calls_.emplace_back("distribution"); };
    hooks.fallback_wanted = [this] { calls_.emplace_back("fallback"); };
    hooks.peers_changed = [this] { calls_.emplace_back("peers"); };
    hooks.validate = [this](const std::string& dp) -> Status { calls_.push_back("validate " + dp); return {}; };
    hooks.publishing = [] {
      return Publishing{"site.corp.test", 8443, 8444, {"ISSUER\n"}, {"LIST\n"}, {"CN=Silent CA"}};
    };
    hooks.metrics = [] { return std::string("farpoint_up 1\n"); };
    hooks.clients = client_hooks();
    hooks.directory = [this] { return directory_; };
    hooks.directory_wanted = [this] { calls_.emplace_back("directory"); };
    hooks.updates.sync_wanted = [this] { calls_.emplace_back("sync"); };
    hooks.updates.fetch = [this](const SoftwareUpdate& update) -> Result<Path> {
      const Path folder = dir_ / "fetched";
      FP_CHECK(make_dirs(folder));
      FP_CHECK(write_file(folder / update.file_name, "a package"));
      return folder;
    };
    policies_ = std::make_unique<site::PolicyMaker>(
        "FP1", [](std::string_view text) -> Result<std::string> { return crypto::sha256(text); });
    hooks.gateway_status = [this](const std::string&) { return gateway_status_; };
    Settings settings{"FP1", dir_ / "data" / "staging"};
    settings.gateway_traffic = gateway_traffic_;
    api_ = std::make_unique<AdminApi>(*store_, clock_, random_, *policies_, std::move(settings), std::move(hooks));
    write([](store::Repositories& r) {
      Collection all;
      all.id = all.limiting_id = kAllSystems;
      all.name = "All Systems";
      return r.collections.put(all);
    });
    administrator("root", {"Full Administrator"});
  }
  void TearDown() override {
    api_.reset();
    store_.reset();
  }

  template <class F>
  void write(F&& fn) {
    const Status done = store_->write([&](store::Repositories& r) -> Status { return fn(r); });
    ASSERT_TRUE(done) << done.error().message;
  }
  template <class F>
  auto read(F&& fn) {
    auto got = store_->read([&](store::Repositories& r) { return fn(r); });
    EXPECT_TRUE(got) << (got ? "" : got.error().message);
    return got ? std::move(*got) : typename decltype(got)::value_type{};
  }
  void administrator(const std::string& name, std::vector<std::string> roles, std::vector<std::string> scopes = {"All"},
                     std::vector<std::string> collections = {kAllSystems}, bool enabled = true) {
    write([&](store::Repositories& r) {
      Administrator a;
      a.name = name;
      a.roles = roles;
      a.scopes = scopes;
      a.collections = collections;
      a.enabled = enabled;
      a.token_hash = hex_lower(crypto::sha256(token_of(name)));
      return r.administration.put(a);
    });
  }
  // A registered, approved device, in All Systems as registration leaves it.
  void device(int n, const std::string& name, Approval approval = Approval::approved) {
    write([&](store::Repositories& r) -> Status {
      Device d;
      d.client_id = device_id(n);
      d.name = name;
      d.approval = approval;
      d.key_fingerprint = fmt::format("key{}", n);
      FP_CHECK(r.devices.put(d));
      return r.collections.add_member(kAllSystems, {d.client_id, "registration", {}});
    });
  }

  Reply call(const std::string& method, const std::string& path, const std::string& body = {}, const std::string& who = "root",
             const std::string& if_match = {}) {
    net::Headers headers;
    if (!who.empty()) headers.emplace_back("Authorization", "Bearer " + token_of(who));
    if (!if_match.empty()) headers.emplace_back("If-Match", if_match);
    return send(method, "/admin/v1" + path, body, std::move(headers));
  }
  Reply send(const std::string& method, const std::string& target, const std::string& body, net::Headers headers) {
    net::Request request;
    request.method = method;
    request.target = target;
    const auto question = target.find('?');
    request.path = percent_decode(target.substr(0, question)).value_or("");
    if (question != std::string::npos) request.query = target.substr(question + 1);
    request.headers = std::move(headers);
    request.body = body;
    request.peer.door = door_;
    request.peer.address = "192.0.2.7";
    auto response = api_->handle(request);
    Reply reply{response.status, text_of_response(response), nullptr, response.headers};
    boost::system::error_code error;
    if (!reply.text.empty()) reply.body = json::parse(reply.text, error);
    return reply;
  }
  // What a change that must succeed answers.
  Reply good(const std::string& method, const std::string& path, const std::string& body = {}) {
    auto reply = call(method, path, body);
    EXPECT_LT(reply.status, 300) << method << " " << path << ": " << reply.text;
    return reply;
  }

  std::string collection(const std::string& name, const std::string& more = {}) {
    return good("POST", "/collections", fmt::format(R"({{"name": "{}"{}}})", name, more)).at("id");
  }
  static std::string application_text(const std::string& name, const std::string& more = {}) {
    return fmt::format(R"({{"name": "{}", "types": [{{"name": "Install", "technology": "deb",
      "detection": [{{"kind": "package_version", "package": "hello", "op": "ge", "version": "2.10"}}]}}]{}}})", name, more);
  }
  std::string application(const std::string& name, const std::string& more = {}) {
    return good("POST", "/applications", application_text(name, more)).at("id");
  }
  std::string package(const std::string& name) {
    return good("POST", "/packages",
                fmt::format(R"({{"name": "{}", "programs": [{{"name": "run", "command_line": "./run"}}]}})",
                            name))
        .at("id");
  }
  std::string deployment(const std::string& what, const std::string& to, const std::string& more = {}) {
    return good("POST", "/deployments",
                fmt::format(R"({{"target_id": "{}", "collection_id": "{}"{}}})", what, to, more))
        .at("id");
  }
  // A staged source with one file; its id.
  std::string staged(const std::string& bytes = "content") {
    const std::string id = new_staging();
    good("PUT", "/content/staging/" + id + "/file.bin", bytes);
    return id;
  }
  std::string new_staging() { return fmt::format("5EED0000-0000-4000-8000-{:012X}", ++stagings_); }
  void distribution_point(const std::string& name) {
    good("PUT", "/distribution-points/" + name, fmt::format(R"({{"name": "{0}", "push_url": "https://{0}"}})", name));
  }

  TestFolder folder_;
  const Path dir_ = folder_.path();
  ManualClock clock_;
  SeededRandom random_{7};
  Door door_ = Door::intranet_https;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<site::PolicyMaker> policies_;
  std::unique_ptr<AdminApi> api_;
  bool gateway_traffic_ = true;
  Result<wire::GatewayStatus> gateway_status_ = wire::GatewayStatus{};
  std::vector<std::string> calls_;
  DirectoryState directory_;

 private:
  // What the site server itself does is written down; a host is inside where its name ends so.
  ClientHooks client_hooks() {
    ClientHooks h;
    h.bundle = [this](const site::BundleOrder& order) -> Result<site::ClientBundle> {
      calls_.push_back(fmt::format("bundle {} {} {}", site::to_string(order.kind), order.name, order.fsp));
      return site::ClientBundle{order.kind, "farpoint-agent install", {"a note"}, {{"install.sh", 0755, "true\n"}}};
    };
    h.may_push = [this](const std::string& host) -> Result<internet::Verdict> {
      std::optional<Device> known;
      const auto found = store_->read([&](store::Repositories& r) { return site::device_of_host(r, host); });
      if (found) known = *found;
      const std::vector<internet::HostAddress> addresses{host.ends_with(".corp.test") ? internet::HostAddress{"10.0.0.7", true, "10.0.0.7 is in 10.0.0.0/8"}
                                                                                      : internet::HostAddress{"203.0.113.7", false, "203.0.113.7 is in no boundary"}};
      return internet::may_push(host, known, addresses, clock_.now());
    };
    h.check_logon = [](const ClientPush& push, bool has_key) -> Status {
      if (push.logon == PushLogon::key && !has_key) return fail(Code::invalid, "key: is needed");
      return {};
    };
    h.keep_key = [this](const std::string& id, std::string_view) -> Status { calls_.push_back("key " + id); return {}; };
    h.forget_secrets = [this](const std::string& id) { calls_.push_back("forget " + id); };
    h.push_wanted = [this] { calls_.emplace_back("push"); };
    h.wake = [this](const site::WakePlan& plan) -> Status { calls_.push_back("wake " + site::describe(plan)); return {}; };
    return h;
  }
  static Result<Manifest> add_folder(const std::string& id, const Path& source) {
    if (!file_exists(source)) return fail(Code::not_found, "there is no {}", source.native());
    Manifest manifest;
    manifest.content_id = id;
    manifest.root_hash = hex_lower(crypto::sha256(id));
    for (const auto& entry : std::filesystem::recursive_directory_iterator(source))
      if (entry.is_regular_file())
        manifest.files.push_back({entry.path().lexically_relative(source).native(),
                                  static_cast<std::int64_t>(entry.file_size()),
                                  "",
                                  {},
                                  {}});
    return manifest;
  }
  int stagings_ = 0;
};

}  // namespace fp::admin
