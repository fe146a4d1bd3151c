#include "lstar/study/store/rows.h"

#include <cmath>
#include <cstring>

#include "lstar/study/store/record.h"

namespace lstar {
namespace {

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.empty() || b.empty() ||
         (a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof a[0]) == 0);
}

bool agree(const WeightNorms& a, const WeightNorms& b) {
  return same_bits(a.w_v_sq, b.w_v_sq) && same_bits(a.w_v_cut_sq, b.w_v_cut_sq) &&
         same_bits(a.w_v_head_sq.values(), b.w_v_head_sq.values()) && same_bits(a.ov_sq.values(), b.ov_sq.values()) &&
         same_bits(a.w_o_sq, b.w_o_sq) && same_bits(a.w_v_spectral, b.w_v_spectral) &&
         same_bits(a.w_o_spectral, b.w_o_spectral) && same_bits(a.ov_products.values(), b.ov_products.values());
}

// The norms that need work of their own, where only the other one has them.
void complete(WeightNorms& norms, const WeightNorms& other) {
  if (norms.w_v_spectral.empty()) norms.w_v_spectral = other.w_v_spectral;
  if (norms.w_o_spectral.empty()) norms.w_o_spectral = other.w_o_spectral;
  if (norms.ov_products.empty()) norms.ov_products = other.ov_products;
}

// The record of the row at hand; none where there is no row.
Result<std::optional<std::string>> one_record(Statement& row) {
  LSTAR_ASSIGN(const bool is_there, row.step());
  if (!is_there) return std::nullopt;
  std::string record = row.bytes(0);
  LSTAR_TRY(row.fault());
  return record;
}

}  // namespace

std::string first_digits(std::string_view hexadecimal) { return std::string(hexadecimal.substr(0, 12)); }

Result<std::optional<int64_t>> find_computation(Database& database, const StoreKey& key) {
  LSTAR_ASSIGN(Statement row, database.prepare("SELECT id FROM computation WHERE content = ?1 AND dtype = ?2 AND "
                                               "numerics = ?3 AND backend = ?4"));
  row.bind_text(1, key.content).bind_text(2, name(key.dtype)).bind(3, int64_t{key.numerics}).bind_text(4, key.backend);
  LSTAR_ASSIGN(const bool is_there, row.step());
  if (!is_there) return std::nullopt;
  const int64_t id = row.integer(0);
  LSTAR_TRY(row.fault());
  return id;
}

Result<int64_t> make_computation(Database& database, const StoreKey& key) {
  LSTAR_ASSIGN(const auto found, find_computation(database, key));
  if (found) return *found;
  LSTAR_ASSIGN(Statement add, database.prepare("INSERT INTO computation(content, dtype, numerics, backend) "
                                               "VALUES(?1, ?2, ?3, ?4)"));
  add.bind_text(1, key.content).bind_text(2, name(key.dtype)).bind(3, int64_t{key.numerics}).bind_text(4, key.backend);
  LSTAR_TRY(add.run());
  return database.last_row();
}

Result<StoreKey> read_computation(Database& database, int64_t id) {
  LSTAR_ASSIGN(Statement row, database.prepare("SELECT content, dtype, numerics, backend FROM computation "
                                               "WHERE id = ?1"));
  LSTAR_ASSIGN(const bool is_there, row.bind(1, id).step());
  if (!is_there) return fail(database.damaged("numbers of no computation"));
  StoreKey key{.content = row.text(0), .numerics = static_cast<int>(row.integer(2)), .backend = row.text(3)};
  const auto dtype = parse_dtype(row.text(1));
  LSTAR_TRY(row.fault());
  if (!dtype) return fail(database.damaged("an unknown dtype"));
  key.dtype = *dtype;
  return key;
}

Result<int64_t> make_provenance(Database& database, const Provenance& from) {
  const auto bind = [&](Statement& statement) {
    statement.bind_text(1, from.time).bind_text(2, from.command).bind_text(3, from.manifest);
    statement.bind(4, int64_t{from.threads}).bind(5, std::isfinite(from.seconds) ? from.seconds : 0.0);
    statement.bind_text(6, from.version);
  };
  LSTAR_ASSIGN(Statement row, database.prepare("SELECT id FROM provenance WHERE time = ?1 AND command = ?2 AND "
                                               "manifest = ?3 AND threads = ?4 AND seconds = ?5 AND lstar = ?6"));
  bind(row);
  LSTAR_ASSIGN(const bool is_there, row.step());
  if (is_there) {
    const int64_t id = row.integer(0);
    LSTAR_TRY(row.fault());
    return id;
  }
  LSTAR_ASSIGN(Statement add,
               database.prepare("INSERT INTO provenance(time, command, manifest, threads, seconds, lstar) "
                                "VALUES(?1, ?2, ?3, ?4, ?5, ?6)"));
  bind(add);
  LSTAR_TRY(add.run());
  return database.last_row();
}

Result<Provenance> read_provenance(Database& database, int64_t id) {
  LSTAR_ASSIGN(Statement row, database.prepare("SELECT time, command, manifest, threads, seconds, lstar FROM "
                                               "provenance WHERE id = ?1"));
  LSTAR_ASSIGN(const bool is_there, row.bind(1, id).step());
  if (!is_there) return fail(database.damaged("numbers without provenance"));
  Provenance from{.time = row.text(0),
                  .command = row.text(1),
                  .manifest = row.text(2),
                  .threads = static_cast<int>(row.integer(3)),
                  .seconds = row.real(4),
                  .version = row.text(5)};
  LSTAR_TRY(row.fault());
  return from;
}

Result<Measurement> checked_model(const Database& database, const StoreKey& key, HeadLayout layout,
                                  std::string_view record) {
  auto m = read_model_record(record, database.path());
  if (m && (m->numerics.dtype != key.dtype || m->numerics.head_layout != layout || m->backend != key.backend ||
            m->weights.w_v_sq.empty() || m->weights.w_v_head_sq.empty() || m->weights.ov_sq.empty()))
    m = fail({.what = "a damaged record: of another computation", .file = database.path()});
  if (!m) m.error().at = "model " + first_digits(key.content);
  return m;
}

Result<PromptObservation> checked_prompt(const Database& database, std::string_view ids_digest,
                                         std::string_view record) {
  auto seen = read_prompt_record(record, database.path());
  if (seen && digest_of_ids(seen->ids) != ids_digest)
    seen = fail({.what = "a damaged record: of other token ids", .file = database.path()});
  if (!seen) seen.error().at = "prompt " + first_digits(hex_of(ids_digest));
  return seen;
}

Result<std::optional<Measurement>> find_model(Database& database, int64_t computation, HeadLayout layout) {
  LSTAR_ASSIGN(Statement row, database.prepare("SELECT record FROM model WHERE computation = ?1 AND head_layout = ?2"));
  row.bind(1, computation).bind_text(2, name(layout));
  LSTAR_ASSIGN(const auto record, one_record(row));
  if (!record) return std::nullopt;
  LSTAR_ASSIGN(const StoreKey key, read_computation(database, computation));
  LSTAR_ASSIGN(Measurement m, checked_model(database, key, layout, *record));
  return m;
}

Result<std::optional<Measurement>> find_model_by(Database& database, int64_t computation, HeadLayout layout) {
  LSTAR_ASSIGN(auto found, find_model(database, computation, layout));
  if (found || layout != HeadLayout::actual) return found;
  LSTAR_ASSIGN(found, find_model(database, computation, HeadLayout::thirds));
  if (found) {
    found->numerics.head_layout = layout;
    found->weights.w_v_cut_sq.clear();
  }
  return found;
}

Result<Arrival> put_model(Database& database, int64_t computation, const Measurement& given, int64_t provenance,
                          Stays stays) {
  const auto old = find_model(database, computation, given.numerics.head_layout);
  if (!old && old.error().kind != ErrorKind::malformed) return fail(old.error());
  Measurement m = given;
  const bool is_there = old && *old;  // a damaged one is replaced
  const bool agrees = is_there && agree(given.weights, (*old)->weights);
  if (is_there && stays == Stays::old_one) {
    if (!agrees) return Arrival::differs;
    m = **old;
    complete(m.weights, given.weights);
  } else if (agrees) {
    complete(m.weights, (*old)->weights);
  }
  const std::string record = model_record(m);
  if (is_there && record == model_record(**old)) return Arrival::known;
  LSTAR_ASSIGN(Statement put, database.prepare("INSERT OR REPLACE INTO model(computation, head_layout, provenance, "
                                               "record) VALUES(?1, ?2, ?3, ?4)"));
  put.bind(1, computation).bind_text(2, name(given.numerics.head_layout)).bind(3, provenance).bind_bytes(4, record);
  LSTAR_TRY(put.run());
  return is_there && !agrees ? Arrival::differs : Arrival::fresh;
}

Result<std::optional<PromptObservation>> find_prompt(Database& database, int64_t computation,
                                                     std::string_view ids_digest) {
  LSTAR_ASSIGN(Statement row, database.prepare("SELECT record FROM prompt WHERE computation = ?1 AND ids = ?2"));
  row.bind(1, computation).bind_bytes(2, ids_digest);
  LSTAR_ASSIGN(const auto record, one_record(row));
  if (!record) return std::nullopt;
  LSTAR_ASSIGN(PromptObservation seen, checked_prompt(database, ids_digest, *record));
  return seen;
}

Result<Arrival> put_prompt(Database& database, int64_t computation, const PromptObservation& given, int64_t provenance,
                           Stays stays) {
  const std::string digest = digest_of_ids(given.ids);
  const auto old = find_prompt(database, computation, digest);
  if (!old && old.error().kind != ErrorKind::malformed) return fail(old.error());
  const bool is_there = old && *old;  // a damaged one is replaced
  const bool agrees = is_there && agree(given, **old);
  if (is_there && !agrees && stays == Stays::old_one) return Arrival::differs;
  const std::string record = prompt_record(!agrees                   ? given
                                           : stays == Stays::old_one ? joined(**old, given)
                                                                     : joined(given, **old));
  if (is_there && record == prompt_record(**old)) return Arrival::known;
  LSTAR_ASSIGN(Statement put, database.prepare("INSERT OR REPLACE INTO prompt(computation, ids, provenance, record) "
                                               "VALUES(?1, ?2, ?3, ?4)"));
  put.bind(1, computation).bind_bytes(2, digest).bind(3, provenance).bind_bytes(4, record);
  LSTAR_TRY(put.run());
  return is_there && !agrees ? Arrival::differs : Arrival::fresh;
}

}  // namespace lstar
