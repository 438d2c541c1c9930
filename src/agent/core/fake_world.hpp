// For tests of this room: a site that speaks the wire from memory, and a machine that installs nothing. One thread.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent/core/agent.hpp"
#include "base/test_folder.hpp"
#include "crypto/key.hpp"
#include "wire/report.hpp"

namespace fp::agent::fake {

struct SitePolicy {
  std::string id, version = "1.00", category, xml;
  unsigned flags = 0;
  bool bad_signature = false, bad_hash = false, unsigned_ = false, sealed = false;
};

struct SiteContent {
  std::map<std::string, std::string> files;  // path -> bytes
  Manifest manifest;
};

// What one distribution point does wrong.
struct Trouble {
  std::int64_t cut_after_bytes = -1;         // breaks off once, after so many bytes
  std::int64_t corrupt_at = -1;              // flips a byte at this offset of the file
  bool gone = false;
};

class Site {
 public:
  explicit Site(ManualClock& clock);
  [[nodiscard]] Result<Reply> answer(const Call& call);
  [[nodiscard]] Result<Reply> range(const Call& call, std::int64_t offset, std::int64_t length, const Sink& sink);

  void put_policy(SitePolicy policy);
  void drop_policy(const std::string& id);
  void put_deployment(const DeploymentDocument& document, const std::string& id, const std::string& version = "1.00");
  void put_settings(const std::map<std::string, std::string>& values);
  ContentReference put_content(const std::string& id, std::map<std::string, std::string> files, std::int64_t chunk_bytes);

  ManualClock& clock;
  crypto::PrivateKey signing_key;
  std::string signing_certificate_der;
  std::map<std::string, SitePolicy> policies;
  std::map<std::string, Instant> changed;    // policy id -> when, also of dropped ones
  std::map<std::string, SiteContent> contents;
  std::vector<std::string> dps = {"https://dp1"};
  std::map<std::string, Trouble> troubles;   // by DP base
  std::set<std::string> offline;             // bases that nobody reaches
  std::map<std::string, Error> failing;      // bases that answer with that
  std::vector<std::pair<std::string, std::string>> fallback;  // what came to http://fsp...: content type, body
  int fallback_status = 200;
  bool fallback_is_portal = false;           // answers 200 to everything, without a receipt
  wire::RegistrationReply::Status registration = wire::RegistrationReply::Status::registered;
  std::vector<wire::MpEntry> mp_list;
  std::vector<wire::WsusLocation> update_points;
  std::function<Result<Reply>(const Call&)> update_point;  // answers what is not a CCM_POST to https://sup...
  std::vector<wire::WsusLocationRequest> looked_for_updates;
  std::string assigned_site = "LAB";         // empty: none
  std::map<std::string, std::string> assigned_by;  // what the management point with that base says instead
  std::vector<wire::ClientLocation> looked_for_site;
  wire::ClientLocation said_where;           // in the last request for content or management points
  std::vector<std::int64_t> waited_min;      // ClientInOperation of each request for content
  std::string root_signature;                // over the signing certificate
  std::vector<std::string> resync;

  std::vector<std::string> calls;            // "CCM_POST MP_PolicyManager https://mp1"
  std::vector<wire::Report> reports;
  bool refuse_reports = false;  // an empty 200, as a server that does not take them
  std::vector<wire::RegistrationRequest> registrations;
  std::map<std::string, std::string> uploads;  // destination -> bytes so far
  std::int64_t upload_room_bytes = -1;       // breaks off once when an upload has so many; -1: never
  bool sessions_lost = false;                // forgets them once
  std::vector<std::int64_t> fragments;       // where each one began
  std::int64_t content_bytes = 0;            // handed out
  std::map<std::string, std::int64_t> bytes_of;  // by DP base
  int deltas = 0;

 private:
  [[nodiscard]] Result<Reply> message(const Call& call, const std::string& base);
  [[nodiscard]] Result<Reply> upload(const Call& call);
  [[nodiscard]] std::string assignments(const std::string& document);
};

class FakeTransport final : public Transport {
 public:
  explicit FakeTransport(Site& site) : site_(site) {}
  Result<Reply> send(const Call& call) override { return site_.answer(call); }
  Result<Reply> fetch(const Call& call, std::int64_t offset, std::int64_t length, const Sink& sink) override {
    return site_.range(call, offset, length, sink);
  }

 private:
  Site& site_;
};

class FakeMachine final : public Machine {
 public:
  std::set<std::string> installed;                       // deployment type ids
  std::map<std::string, std::vector<int>> exit_codes;    // by type id or program; used up from the front, then 0
  std::vector<std::string> ran;                          // "install <type id>"
  std::vector<std::string> restarts;
  std::string boot = "boot-1";
  bool alive = false, forgets = false;                   // forgets: an installation leaves nothing behind
  std::function<void()> during;                          // called inside execute
  deployment::Facts known{{"os.id", "debian"}};
  sensors::Instances hardware;

  deployment::Facts facts() override { return known; }
  deployment::Detection detect(const DeploymentType& type) override;
  Result<packages::Execution> execute(DeploymentAction action, const DeploymentType& type, const Path& content) override;
  Result<packages::Execution> run_program(const Program& program, const Path& content) override;
  std::map<std::string, std::string> outputs;            // of texts: what they print
  std::set<std::string> files;
  std::vector<std::map<std::string, std::string>> environments;
  Result<packages::Execution> run_text(packages::TextRun how) override;
  Result<packages::Execution> install_updates(UpdateSelection selection, std::int64_t limit_ms) override;
  PackagesOnDevice dpkg{"amd64", {}};
  Result<PackagesOnDevice> dpkg_packages() override { return dpkg; }
  bool file_exists(const std::string& path) override { return files.contains(path); }
  Status request_restart(std::int64_t minutes, std::string_view) override {
    restarts.push_back(std::to_string(minutes));
    return {};
  }
  std::string boot_id() override { return boot; }
  bool earlier_run_alive() override { return alive; }
  sensors::Discovery discover() override;
  sensors::Collected inventory(std::string_view) override { return {hardware, {}}; }
  deployment::OffsetAt local_offset() override { return deployment::fixed_offset(0); }

 private:
  int next_code(const std::string& id);
};

// A folder, a certificate in it, a memory, and a pass at the push of a button.
class Bench {
 public:
  Bench();
  void open();                                           // as a new worker would
  PassResult pass(PassOptions options = {});
  PassResult pass_all() { return pass({{"all"}, false, false}); }
  [[nodiscard]] memory::DeploymentRecord deployment(const std::string& id);
  [[nodiscard]] std::vector<int> sent_states(const std::string& topic_id) const;  // in the order in which the site got them

  ManualClock clock;
  SeededRandom random{42};
  Site site{clock};
  FakeMachine machine;
  InstallSettings settings;
  TestFolder folder;
  const Path dir = folder.path();
  std::unique_ptr<memory::Memory> memory;
  std::function<bool()> stop;
  ServiceLookup services;
  ServiceLocation::Directory directory;
  std::function<Result<FoundInDirectory>(const std::string& site_code)> published;
};

// An application with one script deployment type.
[[nodiscard]] Application application(const std::string& id, const std::string& type_id, const std::string& content_id = {});
[[nodiscard]] DeploymentDocument document(const std::string& id, Application app, std::vector<ContentReference> contents = {});

inline constexpr const char* kAppA = "11111111-1111-4111-8111-111111111111";
inline constexpr const char* kAppB = "22222222-2222-4222-8222-222222222222";
inline constexpr const char* kTypeA = "AAAAAAAA-1111-4111-8111-111111111111";
inline constexpr const char* kTypeB = "BBBBBBBB-2222-4222-8222-222222222222";
inline constexpr const char* kContentA = "Content_33333333-3333-4333-8333-333333333333.1";
inline constexpr const char* kPolicyA = "44444444-4444-4444-8444-444444444444";
inline constexpr const char* kPolicyB = "55555555-5555-4555-8555-555555555555";

}  // namespace fp::agent::fake
