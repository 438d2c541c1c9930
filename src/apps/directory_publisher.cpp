#include "apps/directory_publisher.hpp"

#include <boost/json.hpp>

#include "base/log.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "site/publication.hpp"

namespace fp::apps {
namespace {

namespace json = boost::json;
constexpr std::string_view kRemembered = "directory.published";  // in the store: what is there, JSON
constexpr std::int64_t kLookEveryMs = 10'000;

std::string digest_of(const std::vector<wire::DirectoryObject>& objects) {
  std::string text;
  for (const auto& o : objects) {
    text += o.name + "\n";
    for (const auto& [name, values] : o.attributes)
      for (const auto& value : values) text += fmt::format("{}: {}\n", name, value);
  }
  return hex_lower(crypto::sha256(text));
}

std::string names_of(const std::vector<std::string>& names) {
  return names.empty() ? "nothing" : fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

DirectoryPublisher::DirectoryPublisher(DirectoryPublishing config, wire::PublishedSite site,
                                       store::Store& store, const Clock& clock, Publish publish)
    : config_(std::move(config)),
      site_(std::move(site)),
      store_(store),
      clock_(clock),
      publish_(std::move(publish)),
      thread_(clock) {
  state_.enabled = config_.enabled;
  state_.domain = config_.account.domain;
  if (!state_.domain.empty()) recall();
}

void DirectoryPublisher::start() {
  if (config_.account.domain.empty()) return;
  thread_.add("directory", kLookEveryMs, [this] { run_once(); });
  thread_.start();
}

void DirectoryPublisher::wake() {
  asked_ = true;
  thread_.wake();
}

admin::DirectoryState DirectoryPublisher::state() const {
  std::lock_guard lock(mutex_);
  return state_;
}

// Switched off, nothing.
Result<std::vector<wire::DirectoryObject>> DirectoryPublisher::wanted() {
  if (!config_.enabled) return std::vector<wire::DirectoryObject>{};
  return store_.read([&](store::Repositories& r) { return site::wanted_publication(r, site_); });
}

bool DirectoryPublisher::due(const std::string& digest, bool asked) const {
  std::lock_guard lock(mutex_);
  if (!config_.enabled && state_.published_at.ms == 0 && !asked)
    return false;  // never published: nothing to take out
  if (asked || digest != tried_) return true;
  const auto passed = clock_.now().since_ms(state_.tried_at);
  if (!state_.problem.empty()) return passed >= kPublishAgainMs || passed < 0;
  return config_.enabled && (passed >= kPublishEveryMs || passed < 0);
}

void DirectoryPublisher::run_once() {
  const bool asked = asked_.exchange(false);
  const auto objects = wanted();
  if (!objects) return log::error("directory", "{}", objects.error().message);
  const auto digest = digest_of(*objects);
  if (due(digest, asked)) attempt(*objects, digest);
}

void DirectoryPublisher::attempt(const std::vector<wire::DirectoryObject>& objects,
                                 const std::string& digest) {
  const auto done = publish_(objects);
  std::lock_guard lock(mutex_);
  ++state_.attempts;
  state_.tried_at = clock_.now();
  tried_ = digest;
  state_.problem = done ? "" : done.error().message;
  if (!done)
    return log::error("directory", "the site is not published in {} as wanted: {}", state_.domain,
                      state_.problem);
  state_.container = done->container;
  state_.controller = done->controller;
  state_.account = done->principal;
  state_.objects = done->objects;
  state_.published_at = config_.enabled ? state_.tried_at : Instant{};
  published_ = digest;
  log::info("directory", "{} by {} as {}: new {}; changed {}; removed {}", state_.container,
            state_.controller, state_.account, names_of(done->added), names_of(done->changed),
            names_of(done->removed));
  remember();
}

void DirectoryPublisher::remember() {
  const json::object kept{{"domain", state_.domain},
                          {"digest", published_},
                          {"container", state_.container},
                          {"controller", state_.controller},
                          {"account", state_.account},
                          {"published_at_ms", state_.published_at.ms},
                          {"objects", json::array(state_.objects.begin(), state_.objects.end())}};
  const Status done = store_.write(
      [&](store::Repositories& r) { return r.site.set_value(kRemembered, json::serialize(kept)); });
  if (!done) log::error("directory", "{}", done.error().message);
}

// What an earlier run of the site server published in the same domain; anything else is as if nothing were
// known.
void DirectoryPublisher::recall() {
  const auto text = store_.read([](store::Repositories& r) { return r.site.value(kRemembered); });
  if (!text) return;
  boost::system::error_code error;
  const auto value = json::parse(*text, error);
  if (error || !value.is_object()) return;
  const auto& o = value.as_object();
  const auto word = [&](std::string_view name) {
    const auto* found = o.if_contains(name);
    return found && found->is_string() ? std::string(found->as_string()) : std::string();
  };
  if (word("domain") != state_.domain) return;
  state_.container = word("container");
  state_.controller = word("controller");
  state_.account = word("account");
  if (const auto* at = o.if_contains("published_at_ms"); at && at->is_int64())
    state_.published_at = state_.tried_at = {at->as_int64()};
  if (const auto* objects = o.if_contains("objects"); objects && objects->is_array())
    for (const auto& name : objects->as_array())
      if (name.is_string()) state_.objects.emplace_back(name.as_string());
  tried_ = published_ = word("digest");
}

}  // namespace fp::apps
