// The members of boundaries and their groups as JSON: the second half of model_json_fields.hpp, which includes it. Any thread; pure.
#pragma once

namespace fp::wire::fields {

// ---- boundaries

inline auto fallback_min() { return range(kNoFallback, 60 * 24 * 7); }
inline auto never_or_at_once() { return range(kNoFallback, 0); }
template <class A> void fields(A& a, Boundary& x) {
  a("id", x.id, object_id());
  a("name", x.name, name());
  a("type", x.type);
  a("value", x.value, size_max(kNameBytesMax));  // its grammar: domain/boundary
  a("comment", x.comment, size_max(kTextBytesMax));
  a("changed_at", x.changed_at);
}
template <class A> void fields(A& a, BoundaryNeighbour& x) {
  a("group_id", x.group_id, required(), object_id());
  a("content_fallback_min", x.content_fallback_min, fallback_min());
  a("management_point_fallback_min", x.management_point_fallback_min, never_or_at_once());
}
template <class A> void fields(A& a, BoundaryGroup& x) {
  a("id", x.id, object_id());
  a("name", x.name, name());
  a("comment", x.comment, size_max(kTextBytesMax));
  a("boundaries", x.boundaries, size_max(kListMax), each(object_id()));
  a("distribution_points", x.distribution_points, size_max(kListMax), each(host()));
  a("management_points", x.management_points, size_max(kListMax), each(host()));
  a("assigned_site", x.assigned_site, grammar<parse_site_code>());
  a("neighbours", x.neighbours, size_max(kListMax));
  a("changed_at", x.changed_at);
}
template <class A> void fields(A& a, BoundarySettings& x) {
  a("prefer_management_points", x.prefer_management_points);
  a("fallback_site", x.fallback_site, grammar<parse_site_code>());
  a("content_fallback_min", x.content_fallback_min, fallback_min());
  a("management_point_fallback_min", x.management_point_fallback_min, never_or_at_once());
}

}  // namespace fp::wire::fields
