#include "lstar/study/store/store.h"

#include <fmt/core.h>

#include <algorithm>

#include "lstar/base/catch_memory.h"
#include "lstar/study/store/private_paths.h"
#include "lstar/study/store/record.h"
#include "lstar/study/store/rows.h"
#include "lstar/study/store/schema.h"

namespace lstar {
namespace {

Result<void> check_key(const StoreKey& key, const Measurement& m, const std::string& path) {
  const auto refused = [&](const char* what) {
    return fail({.kind = ErrorKind::argument, .what = std::string("not stored: ") + what, .file = path});
  };
  if (key.content.empty() || key.backend.empty()) return refused("its key has no content or backend");
  if (m.numerics.dtype != key.dtype) return refused("it was computed in another dtype");
  if (!m.backend.empty() && m.backend != key.backend) return refused("it was computed by another backend");
  if (m.weights.w_v_sq.empty() || m.weights.w_v_head_sq.empty() || m.weights.ov_sq.empty())
    return refused("it lacks norms of weights");
  return {};
}

constexpr std::string_view kMeasuredWithout = "was measured without what is asked for now: measure it again";

bool has_all(const WeightNorms& weights, Wants wants) {
  if (wants.has(Want::spectral) && (weights.w_v_spectral.empty() || weights.w_o_spectral.empty())) return false;
  return !wants.has(Want::overlap) || !weights.ov_products.empty();
}

Error unknown_prompt(const std::string& path, size_t index, bool is_there) {
  return {.kind = ErrorKind::missing,
          .what = std::string(is_there ? kMeasuredWithout : "has not been measured"),
          .file = path,
          .at = fmt::format("prompt {}", index + 1)};
}

}  // namespace

size_t Known::count() const { return static_cast<size_t>(std::count(prompts.begin(), prompts.end(), true)); }

Store::Store(std::unique_ptr<Database> database) : database_(std::move(database)) {}
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;
Store::~Store() = default;

const std::string& Store::path() const { return database_->path(); }

Result<Store> Store::open(const std::string& path, StoreAccess access, std::chrono::milliseconds patience) {
  return catch_memory("opening the store", path, [&]() -> Result<Store> {
    LSTAR_ASSIGN(auto database, Database::open(path, access, patience));
    LSTAR_TRY(check_schema(*database, access == StoreAccess::create));
    return Store(std::move(database));
  });
}

Result<void> Store::put(const StoreKey& key, const Measurement& measured, const Provenance& from) {
  return catch_memory("storing a measurement", path(), [&]() -> Result<void> {
    LSTAR_TRY(check_key(key, measured, path()));
    LSTAR_TRY(check_fits(measured, path()));
    Measurement model{.identity = measured.identity,
                      .shape = measured.shape,
                      .numerics = measured.numerics,
                      .weights = measured.weights,
                      .backend = key.backend,
                      .warnings = measured.warnings};
    for (std::string& warning : model.warnings) warning = without_path(warning, measured.identity);
    model.identity = without_path(measured.identity);
    LSTAR_ASSIGN(Transaction transaction, Transaction::begin(*database_));
    LSTAR_ASSIGN(const int64_t provenance, make_provenance(*database_, from));
    LSTAR_ASSIGN(const int64_t computation, make_computation(*database_, key));
    LSTAR_TRY(put_model(*database_, computation, model, provenance, Stays::new_one));
    for (const MeasuredPrompt& prompt : measured.prompts)
      if (prompt.row)
        LSTAR_TRY(put_prompt(*database_, computation, observation_of(measured, prompt), provenance, Stays::new_one));
    return transaction.commit();
  });
}

Result<bool> Store::is_empty() {
  LSTAR_ASSIGN(const int64_t any, database_->integer("SELECT EXISTS (SELECT 1 FROM computation)"));
  return any == 0;
}

Result<Known> Store::known(const StoreKey& key, HeadLayout layout, std::span<const std::vector<int32_t>> ids,
                           Wants wants, int next_tokens) {
  return catch_memory("looking into the store", path(), [&]() -> Result<Known> {
    Known known{.prompts = std::vector<bool>(ids.size(), false)};
    LSTAR_ASSIGN(const Transaction snapshot, Transaction::reading(*database_));
    LSTAR_ASSIGN(const auto computation, find_computation(*database_, key));
    if (!computation) return known;
    const auto model = find_model_by(*database_, *computation, layout);
    if (!model && model.error().kind != ErrorKind::malformed) return fail(model.error());
    const bool is_there = model && *model;
    known.weights = is_there && has_all((*model)->weights, wants);
    if (!model) ++known.damaged;
    // What wants mean, any record of the model can say.
    auto any = is_there ? model : find_model_by(*database_, *computation, HeadLayout::actual);
    if (any && *any) wants = that_apply(wants, (*any)->shape);
    for (size_t p = 0; p < ids.size(); ++p) {
      const auto found = find_prompt(*database_, *computation, digest_of_ids(ids[p]));
      if (!found && found.error().kind != ErrorKind::malformed) return fail(found.error());
      if (!found)
        ++known.damaged;
      else
        known.prompts[p] = *found && (*found)->ids == ids[p] && has_all(**found, wants, next_tokens);
    }
    return known;
  });
}

Result<Measurement> Store::read(const StoreKey& key, HeadLayout layout, std::vector<MeasuredPrompt> prompts,
                                Wants wants, int next_tokens) {
  return catch_memory("reading a measurement: fewer prompts take less", path(), [&]() -> Result<Measurement> {
    LSTAR_ASSIGN(const Transaction snapshot, Transaction::reading(*database_));
    LSTAR_ASSIGN(const auto computation, find_computation(*database_, key));
    LSTAR_ASSIGN(auto found, computation ? find_model_by(*database_, *computation, layout)
                                         : Result<std::optional<Measurement>>(std::nullopt));
    if (!found)
      return fail({.kind = ErrorKind::missing,
                   .what = "has not been measured",
                   .file = path(),
                   .at = "model " + first_digits(key.content)});
    Measurement m = *std::move(found);
    wants = that_apply(wants, m.shape);
    if (!has_all(m.weights, wants))
      return fail({.kind = ErrorKind::missing,
                   .what = std::string(kMeasuredWithout),
                   .file = path(),
                   .at = "model " + first_digits(key.content)});
    if (!wants.has(Want::overlap)) m.weights.ov_products = {};
    if (!wants.has(Want::spectral)) m.weights.w_v_spectral = m.weights.w_o_spectral = {};
    std::vector<PromptObservation> rows;
    for (size_t p = 0; p < prompts.size(); ++p) {
      MeasuredPrompt& prompt = prompts[p];
      prompt.row.reset();
      if (prompt.error) continue;
      LSTAR_ASSIGN(auto seen, find_prompt(*database_, *computation, digest_of_ids(prompt.ids)));
      if (!seen || !has_all(*seen, wants, next_tokens)) return fail(unknown_prompt(path(), p, seen.has_value()));
      prompt.row = rows.size();
      rows.push_back(only(*std::move(seen), wants, next_tokens));
      if (rows.back().layers != m.shape.layers || rows.back().heads != m.shape.heads || rows.back().ids != prompt.ids)
        return fail(database_->damaged("a prompt of another model"));
    }
    m.prompts = std::move(prompts);
    set_rows(m, rows);
    LSTAR_TRY(check_fits(m, path()));
    return m;
  });
}

Result<std::vector<StoredModel>> Store::models() {
  return catch_memory("looking into the store", path(), [&]() -> Result<std::vector<StoredModel>> {
    LSTAR_ASSIGN(const Transaction snapshot, Transaction::reading(*database_));
    LSTAR_ASSIGN(Statement rows, database_->prepare("SELECT computation, head_layout, provenance, record FROM model "
                                                    "ORDER BY computation, head_layout"));
    LSTAR_ASSIGN(Statement sizes, database_->prepare("SELECT count(record), ifnull(sum(length(record)), 0) FROM prompt "
                                                     "WHERE computation = ?1"));
    std::vector<StoredModel> models;
    for (;;) {
      LSTAR_ASSIGN(const bool more, rows.step());
      if (!more) return models;
      const int64_t computation = rows.integer(0);
      const auto layout = parse_head_layout(rows.text(1));
      const std::string record = rows.bytes(3);
      LSTAR_TRY(rows.fault());
      if (!layout) return fail(database_->damaged("an unknown head layout"));
      StoredModel model;
      LSTAR_ASSIGN(model.key, read_computation(*database_, computation));
      LSTAR_ASSIGN(model.provenance, read_provenance(*database_, rows.integer(2)));
      LSTAR_ASSIGN(model.measurement, checked_model(*database_, model.key, *layout, record));
      LSTAR_TRY(sizes.bind(1, computation).step());
      model.prompts = sizes.integer(0);
      model.bytes = sizes.integer(1) + static_cast<int64_t>(record.size());
      LSTAR_TRY(sizes.fault());
      sizes.reset();
      models.push_back(std::move(model));
    }
  });
}

Result<void> Store::each_prompt(const StoreKey& key, const std::function<Result<void>(const PromptObservation&)>& use) {
  return catch_memory("looking into the store", path(), [&]() -> Result<void> {
    LSTAR_ASSIGN(const Transaction snapshot, Transaction::reading(*database_));
    LSTAR_ASSIGN(const auto computation, find_computation(*database_, key));
    if (!computation) return {};
    LSTAR_ASSIGN(Statement rows,
                 database_->prepare("SELECT ids, record FROM prompt WHERE computation = ?1 ORDER BY rowid"));
    rows.bind(1, *computation);
    for (;;) {
      LSTAR_ASSIGN(const bool more, rows.step());
      if (!more) return {};
      const std::string digest = rows.bytes(0), record = rows.bytes(1);
      LSTAR_TRY(rows.fault());
      LSTAR_ASSIGN(const PromptObservation seen, checked_prompt(*database_, digest, record));
      LSTAR_TRY(use(seen));
    }
  });
}

}  // namespace lstar
