// Evaluates collections: runs their rules against the store and makes the result the membership (domain.md §18).
// Any thread; called inside write(). Costs one query for each rule and one set difference; a collection of a million members
// is one statement. Never: leaves a collection half evaluated, or a device in a collection that its limiting one lacks.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "store/store.hpp"

namespace fp::site {

struct Evaluation {
  std::string collection_id;
  std::int64_t members = 0, joined = 0, left = 0;
};

class CollectionEvaluator {
 public:
  // Parses every rule, looks for cycles and unknown collections: what the admin API asks before it stores one.
  [[nodiscard]] Status check(store::Repositories& r, const Collection& collection) const;
  // The collection, then everything that depends on it (limited by it, including or excluding it), in order.
  [[nodiscard]] Result<std::vector<Evaluation>> evaluate(store::Repositories& r, std::string_view id) const;
  // Those whose full evaluation is due, at `now`; at most `most` of them.
  [[nodiscard]] Result<std::vector<Evaluation>> evaluate_due(store::Repositories& r, Instant now, int most) const;
  // Incremental collections after something about these devices changed, for these devices only: what makes a change visible
  // within minutes where a full evaluation would take its days.
  [[nodiscard]] Result<std::vector<Evaluation>> devices_changed(store::Repositories& r, const std::vector<std::string>& client_ids) const;
  // Works through what changed since the last time (the store remembers how far), at most a thousand devices: call it often.
  [[nodiscard]] Result<std::vector<Evaluation>> follow_changes(store::Store& store) const;

 private:
  // `only`: evaluate these devices and leave everybody else as they are.
  [[nodiscard]] Result<Evaluation> evaluate_one(store::Repositories& r, Collection collection, const std::vector<std::string>* only) const;
};

}  // namespace fp::site
