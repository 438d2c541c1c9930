#include "wire/model_json.hpp"

#include <boost/json.hpp>

#include <optional>
#include <type_traits>

#include "base/limits.hpp"
#include "wire/model_json_fields.hpp"
#include "wire/model_json_sequence.hpp"
#include "wire/model_json_value.hpp"

namespace fp::wire {
namespace fields {

namespace json = boost::json;

template <class T> inline constexpr bool is_vector = false;
template <class T> inline constexpr bool is_vector<std::vector<T>> = true;
template <class T> inline constexpr bool is_optional = false;
template <class T> inline constexpr bool is_optional<std::optional<T>> = true;
using StringMap = std::map<std::string, std::string>;

class Encoder {
 public:
  explicit Encoder(Secrets secrets) : secrets_(secrets) {}

  template <class T>
  [[nodiscard]] json::value encode(const T& x) const {
    if constexpr (std::is_same_v<T, std::string>) {
      return json::value(json::string_view(x));
    } else if constexpr (std::is_same_v<T, bool>) {
      return json::value(x);
    } else if constexpr (std::is_enum_v<T>) {
      return json::value(json::string_view(Words<T>::list[static_cast<std::size_t>(x)]));
    } else if constexpr (std::is_integral_v<T>) {
      return json::value(static_cast<std::int64_t>(x));
    } else if constexpr (std::is_same_v<T, Instant>) {
      if (x.ms == 0) return nullptr;
      return json::value(json::string_view(x.ms % 1000 ? to_iso_ms(x) : to_iso(x)));
    } else if constexpr (is_optional<T>) {
      return x ? encode(*x) : json::value(nullptr);
    } else if constexpr (is_vector<T>) {
      json::array out;
      out.reserve(x.size());
      for (const auto& item : x) out.push_back(encode(item));
      return out;
    } else if constexpr (std::is_same_v<T, StringMap>) {
      json::object out;
      for (const auto& [k, v] : x) out.emplace(k, json::string_view(v));
      return out;
    } else {
      Encoder inner(secrets_);
      fields(inner, const_cast<T&>(x));  // an encoder only reads
      return std::move(inner.object_);
    }
  }
  template <class T, class... Checks>
  void operator()(std::string_view name, const T& x, Checks&&...) { object_.emplace(name, encode(x)); }
  // A field that belongs to some kinds only, and says nothing where it is empty or false.
  template <class T, class... Checks>
  void only(std::string_view name, bool belongs, const T& x, Checks&&...) {
    if (belongs && !says_nothing(x)) object_.emplace(name, encode(x));
  }
  void blank(std::string_view name) { object_.emplace(name, ""); }
  void anything() {}
  void rule(std::string_view, bool, std::string_view) {}
  template <class T, class C> void check(std::string_view, const T&, C&&) {}
  [[nodiscard]] bool shows_secrets() const { return secrets_ == Secrets::shown; }

 private:
  template <class T>
  [[nodiscard]] static bool says_nothing(const T& x) {
    if constexpr (std::is_same_v<T, std::string> || is_vector<T>) return x.empty();
    else if constexpr (std::is_same_v<T, bool>) return !x;
    else if constexpr (is_optional<T>) return !x.has_value();
    else return false;
  }
  Secrets secrets_;
  json::object object_;
};

class Decoder {
 public:
  // `mistakes_max`: how many are named before it gives up; 1: the first one ends it.
  Decoder(Strictness strictness, std::string path, std::size_t mistakes_max)
      : full_(strictness == Strictness::full), mistakes_max_(mistakes_max), path_(std::move(path)) {}

  template <class T>
  void decode(const json::value& v, T& out) {
    if constexpr (std::is_same_v<T, std::string>) {
      if (const auto* s = v.if_string()) {
        if (s->find('\0') != json::string::npos) return wrong("must not hold a NUL character");
        out.assign(s->data(), s->size());
      } else {
        wrong("must be a text");
      }
    } else if constexpr (std::is_same_v<T, bool>) {
      if (const auto* b = v.if_bool()) out = *b;
      else wrong("must be true or false");
    } else if constexpr (std::is_enum_v<T>) {
      decode_word(v, out);
    } else if constexpr (std::is_integral_v<T>) {
      const auto* n = v.if_int64();
      if (!n) return wrong("must be a whole number");
      if (!std::in_range<T>(*n)) return wrong("is out of range");
      out = static_cast<T>(*n);
    } else if constexpr (std::is_same_v<T, Instant>) {
      decode_time(v, out);
    } else if constexpr (is_optional<T>) {
      if (v.is_null()) return out.reset();
      decode(v, out.emplace());
    } else if constexpr (is_vector<T>) {
      const auto* list = v.if_array();
      if (!list) return wrong("must be a list");
      if (list->size() > kLongListMax) return wrong("has too many items");
      out.clear();
      out.reserve(list->size());
      for (std::size_t i = 0; i < list->size() && !ended(); ++i)
        below(fmt::format("[{}]", i), [&] { decode((*list)[i], out.emplace_back()); });
    } else if constexpr (std::is_same_v<T, StringMap>) {
      decode_map(v, out);
    } else {
      decode_object(v, out);
    }
  }
  template <class T, class... Checks>
  void operator()(std::string_view name, T& x, Checks&&... checks) {
    seen_.push_back(name);
    below(dotted(name), [&] {
      const auto before = mistakes_.size();
      if (const auto* v = object_->if_contains(name)) decode(*v, x);
      if (full_) ((mistakes_.size() == before ? run(x, checks) : void()), ...);
    });
  }
  // A field that belongs to some kinds of the object only.
  template <class T, class... Checks>
  void only(std::string_view name, bool belongs, T& x, Checks&&... checks) {
    if (belongs) return (*this)(name, x, std::forward<Checks>(checks)...);
    seen_.push_back(name);
    if (full_ && object_->if_contains(name)) below(dotted(name), [&] { wrong("does not belong to this kind"); });
  }
  void anything() { anything_ = true; }
  void blank(std::string_view) {}
  // Rules look at several fields: one that is wrong already would make them lie.
  void rule(std::string_view name, bool holds, std::string_view otherwise) {
    if (full_ && !holds && mistakes_.size() == mistakes_before_) below(dotted(name), [&] { wrong(otherwise); });
  }
  template <class T, class C>
  void check(std::string_view name, T& x, C&& c) {
    if (full_ && mistakes_.size() == mistakes_before_) below(dotted(name), [&] { run(x, c); });
  }
  [[nodiscard]] bool shows_secrets() const { return true; }
  [[nodiscard]] const std::vector<std::string>& mistakes() const { return mistakes_; }

 private:
  template <class T>
  void decode_object(const json::value& v, T& out) {
    const auto* object = v.if_object();
    if (!object) return wrong("must be an object");
    const auto* outer = std::exchange(object_, object);
    auto outer_seen = std::exchange(seen_, {});
    const auto outer_before = std::exchange(mistakes_before_, mistakes_.size());
    anything_ = false;
    fields(*this, out);
    const bool anything = std::exchange(anything_, false);
    for (const auto& item : *object)
      if (!anything && std::find(seen_.begin(), seen_.end(), std::string_view(item.key())) == seen_.end())
        below(dotted(std::string_view(item.key()).substr(0, 60)), [&] { wrong("is not a known field"); });
    object_ = outer;
    seen_ = std::move(outer_seen);
    mistakes_before_ = outer_before;
  }
  template <class E>
  void decode_word(const json::value& v, E& out) {
    constexpr auto& list = Words<E>::list;
    if (const auto* s = v.if_string())
      for (std::size_t i = 0; i < list.size(); ++i)
        if (list[i] == std::string_view(*s)) {
          out = static_cast<E>(i);
          return;
        }
    wrong(fmt::format("must be one of {}", fmt::join(list, ", ")));
  }
  void decode_time(const json::value& v, Instant& out) {
    if (v.is_null()) {
      out = {};
      return;
    }
    if (const auto* s = v.if_string())
      if (const auto at = parse_time(std::string_view(*s))) {
        out = *at;
        return;
      }
    wrong("must be a time such as 2026-11-22T14:52:20Z, or null");
  }
  void decode_map(const json::value& v, StringMap& out) {
    const auto* object = v.if_object();
    if (!object) return wrong("must be an object of texts");
    out.clear();
    for (const auto& item : *object) {
      const std::string key(item.key());
      if (key.empty() || key.size() > kNameBytesMax || key.find('\0') != std::string::npos)
        return wrong("has a name that is empty or too long");
      below(dotted(key), [&] {
        decode(item.value(), out[key]);
        run(out[key], size_max(1U << 20));
      });
    }
  }
  template <class T, class C>
  void run(T& x, C&& c) {
    if (ended()) return;
    if (auto text = c(x); !text.empty()) wrong(text);
  }
  template <class F>
  void below(const std::string& step, F&& fn) {
    if (ended()) return;
    const auto length = path_.size();
    path_ += step;
    fn();
    path_.resize(length);
  }
  [[nodiscard]] std::string dotted(std::string_view name) const {
    return fmt::format("{}{}", path_.empty() ? "" : ".", name);
  }
  void wrong(std::string_view text) {
    if (!ended()) mistakes_.push_back(path_.empty() ? std::string(text) : fmt::format("{}: {}", path_, text));
  }
  [[nodiscard]] bool ended() const { return mistakes_.size() >= mistakes_max_; }

  bool full_;
  bool anything_ = false;  // fields that are not known are left alone
  std::size_t mistakes_max_, mistakes_before_ = 0;
  std::string path_;
  const json::object* object_ = nullptr;
  std::vector<std::string_view> seen_;
  std::vector<std::string> mistakes_;
};

}  // namespace fields

template <class X>
boost::json::value to_value(const X& value, Secrets secrets) {
  return fields::Encoder(secrets).encode(value);
}

template <class X>
Result<X> from_value(const boost::json::value& value, Strictness strictness, std::string_view path) {
  // Whoever writes a task sequence by hand wants to hear all of it at once.
  constexpr std::size_t kMistakesMax = std::is_same_v<X, TaskSequence> ? 50 : 1;
  fields::Decoder decoder(strictness, std::string(path), kMistakesMax);
  X out;
  decoder.decode(value, out);
  if (!decoder.mistakes().empty()) return fail(Code::invalid, "{}", fmt::join(decoder.mistakes(), "\n"));
  return out;
}

template <class X>
std::string to_text(const X& value, Secrets secrets) {
  return boost::json::serialize(to_value(value, secrets));
}

template <class X>
Result<X> from_text(std::string_view text, Strictness strictness) {
  if (strictness == Strictness::full && text.size() > limits::kAdminBodyBytesMax)
    return fail(Code::too_large, "JSON of {} bytes, {} at most", text.size(), limits::kAdminBodyBytesMax);
  boost::json::error_code code;
  boost::json::stream_parser parser;
  const std::size_t used = parser.write_some(text.data(), text.size(), code);
  if (!code && used == text.size()) parser.finish(code);
  if (code || used != text.size())
    return fail(Code::invalid, "not JSON: {} near byte {}", code ? code.message() : "more text behind its end", used);
  return from_value<X>(parser.release(), strictness);
}

// What other rooms may ask for, as a value alone and as a list.
#define FP_JSON(X)                                                                    \
  template boost::json::value to_value<X>(const X&, Secrets);                         \
  template Result<X> from_value<X>(const boost::json::value&, Strictness, std::string_view); \
  template std::string to_text<X>(const X&, Secrets);                                 \
  template Result<X> from_text<X>(std::string_view, Strictness);
#define FP_JSON_BOTH(X) FP_JSON(X) FP_JSON(std::vector<X>)
FP_JSON_BOTH(Application)
FP_JSON_BOTH(DeploymentType)
FP_JSON_BOTH(DetectionRule)
FP_JSON_BOTH(Requirement)
FP_JSON_BOTH(Supersedence)
FP_JSON_BOTH(Package)
FP_JSON_BOTH(Program)
FP_JSON_BOTH(TaskSequence)
FP_JSON_BOTH(Deployment)
FP_JSON_BOTH(DeploymentState)
FP_JSON_BOTH(DeploymentSummary)
FP_JSON_BOTH(DeploymentDocument)
FP_JSON_BOTH(Collection)
FP_JSON_BOTH(CollectionRule)
FP_JSON_BOTH(CollectionVariable)
FP_JSON_BOTH(CollectionMember)
FP_JSON_BOTH(MaintenanceWindow)
FP_JSON_BOTH(ClientSettings)
FP_JSON_BOTH(Administrator)
FP_JSON_BOTH(CustomRole)
FP_JSON_BOTH(AuditLine)
FP_JSON_BOTH(ClientPush)
FP_JSON_BOTH(EnrollmentToken)
FP_JSON_BOTH(Enrollment)
FP_JSON_BOTH(EnrollmentProxyPoint)
FP_JSON_BOTH(PushAttempt)
FP_JSON_BOTH(Device)
FP_JSON_BOTH(DistributionPoint)
FP_JSON_BOTH(ManagementPoint)
FP_JSON_BOTH(Distribution)
FP_JSON_BOTH(Boundary)
FP_JSON_BOTH(BoundaryGroup)
FP_JSON_BOTH(BoundarySettings)
FP_JSON_BOTH(ContentVersion)
FP_JSON_BOTH(StateMessage)
FP_JSON_BOTH(StatusEvent)
FP_JSON_BOTH(InventoryInstance)
FP_JSON_BOTH(std::string)
FP_JSON(fields::StringMap)
#undef FP_JSON_BOTH
#undef FP_JSON

std::string to_json(const Application& value) { return to_text(value); }
std::string to_json(const Package& value) { return to_text(value); }
std::string to_json(const TaskSequence& value, Secrets secrets) { return to_text(value, secrets); }
std::string to_json(const Deployment& value) { return to_text(value); }
std::string to_json(const DeploymentState& value) { return to_text(value); }
std::string to_json(const DeploymentSummary& value) { return to_text(value); }
std::string to_json(const DeploymentDocument& value) { return to_text(value, Secrets::shown); }
std::string to_json(const Collection& value, Secrets secrets) { return to_text(value, secrets); }
std::string to_json(const CollectionMember& value) { return to_text(value); }
std::string to_json(const std::vector<MaintenanceWindow>& value) { return to_text(value); }
std::string to_json(const ClientSettings& value) { return to_text(value); }
std::string to_json(const Administrator& value) { return to_text(value); }
std::string to_json(const AuditLine& value) { return to_text(value); }
std::string to_json(const Device& value) { return to_text(value); }
std::string to_json(const DistributionPoint& value) { return to_text(value); }
std::string to_json(const ManagementPoint& value) { return to_text(value); }
std::string to_json(const Boundary& value) { return to_text(value); }
std::string to_json(const BoundaryGroup& value) { return to_text(value); }
std::string to_json(const BoundarySettings& value) { return to_text(value); }
std::string to_json(const Distribution& value) { return to_text(value); }
std::string to_json(const ContentVersion& value) { return to_text(value); }
std::string to_json(const StateMessage& value) { return to_text(value); }
std::string to_json(const StatusEvent& value) { return to_text(value); }
std::string to_json(const InventoryInstance& value) { return to_text(value); }

Result<Application> application_from_json(std::string_view text) { return from_text<Application>(text); }
Result<Package> package_from_json(std::string_view text) { return from_text<Package>(text); }
Result<TaskSequence> task_sequence_from_json(std::string_view text) { return from_text<TaskSequence>(text); }
Result<Deployment> deployment_from_json(std::string_view text) { return from_text<Deployment>(text); }
Result<DeploymentState> deployment_state_from_json(std::string_view text) { return from_text<DeploymentState>(text); }
Result<DeploymentSummary> deployment_summary_from_json(std::string_view text) { return from_text<DeploymentSummary>(text); }
Result<DeploymentDocument> deployment_document_from_json(std::string_view text) { return from_text<DeploymentDocument>(text); }
Result<Collection> collection_from_json(std::string_view text) { return from_text<Collection>(text); }
Result<CollectionMember> collection_member_from_json(std::string_view text) { return from_text<CollectionMember>(text); }
Result<std::vector<MaintenanceWindow>> windows_from_json(std::string_view text) {
  return from_text<std::vector<MaintenanceWindow>>(text);
}
Result<ClientSettings> client_settings_from_json(std::string_view text) { return from_text<ClientSettings>(text); }
Result<Administrator> administrator_from_json(std::string_view text) { return from_text<Administrator>(text); }
Result<AuditLine> audit_line_from_json(std::string_view text) { return from_text<AuditLine>(text); }
Result<Device> device_from_json(std::string_view text) { return from_text<Device>(text); }
Result<DistributionPoint> distribution_point_from_json(std::string_view text) { return from_text<DistributionPoint>(text); }
Result<ManagementPoint> management_point_from_json(std::string_view text) { return from_text<ManagementPoint>(text); }
Result<Boundary> boundary_from_json(std::string_view text) { return from_text<Boundary>(text); }
Result<BoundaryGroup> boundary_group_from_json(std::string_view text) { return from_text<BoundaryGroup>(text); }
Result<BoundarySettings> boundary_settings_from_json(std::string_view text) { return from_text<BoundarySettings>(text); }
Result<Distribution> distribution_from_json(std::string_view text) { return from_text<Distribution>(text); }
Result<ContentVersion> content_version_from_json(std::string_view text) { return from_text<ContentVersion>(text); }
Result<StateMessage> state_message_from_json(std::string_view text) { return from_text<StateMessage>(text); }
Result<StatusEvent> status_event_from_json(std::string_view text) { return from_text<StatusEvent>(text); }
Result<InventoryInstance> inventory_instance_from_json(std::string_view text) { return from_text<InventoryInstance>(text); }

}  // namespace fp::wire
