#include "lstar/tokenizer/files/folder_settings.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include <fmt/core.h>

#include "lstar/checkpoint/folder_listing.h"

namespace lstar {
namespace {

// A JSON file that need not be there: an empty object then.
Result<JsonDocument> read_optional(const std::string& path) {
  LSTAR_ASSIGN(const bool there, is_readable(path));
  return there ? JsonDocument::read(path) : JsonDocument::parse("{}", path);
}

// How an object is read that says nothing of its flags. A text is always a special token of raw text.
struct Defaults {
  bool special = false, normalized = true;
};

std::optional<AddedToken> parse_token(Json value, Defaults defaults) {
  if (const auto text = value.string())
    return AddedToken{.content = std::string(*text), .special = true, .normalized = false};
  const auto content = value.string("content");
  if (!content) return std::nullopt;
  return AddedToken{.content = *content,
                    .special = value.boolean("special").value_or(defaults.special),
                    .normalized = value.boolean("normalized").value_or(defaults.normalized),
                    .left_strip = value.boolean("lstrip").value_or(false),
                    .right_strip = value.boolean("rstrip").value_or(false),
                    .single_word = value.boolean("single_word").value_or(false)};
}

// The special tokens of special_tokens_map.json are special whatever they say.
std::optional<NamedToken> parse_named(Json value, bool of_map) {
  auto token = parse_token(value, of_map ? Defaults{.special = true, .normalized = false} : Defaults{});
  if (!token) return std::nullopt;
  token->special |= of_map;
  const bool is_text = value.string().has_value();
  return NamedToken{.token = *std::move(token), .is_text = is_text, .is_converted = !of_map && !is_text};
}

bool is_empty(const std::optional<Json>& value) {
  return !value || ((value->is_array() || value->is_object()) && value->size() == 0);
}

}  // namespace

Result<SettingsFiles> read_settings(const std::string& folder) {
  SettingsFiles files;
  LSTAR_ASSIGN(files.tokenizer_config, read_optional(folder + "/tokenizer_config.json"));
  LSTAR_ASSIGN(files.special_tokens_map, read_optional(folder + "/special_tokens_map.json"));
  LSTAR_ASSIGN(files.added_tokens, read_optional(folder + "/added_tokens.json"));
  LSTAR_ASSIGN(files.config, read_optional(folder + "/config.json"));
  return files;
}

Result<bool> read_flag(const SettingsFiles& files, std::string_view key, bool otherwise) {
  const auto value = files.tokenizer_config.root().find(key);
  const auto flag = value ? value->boolean() : otherwise;
  if (!flag)
    return fail({.what = "not true or false",
                 .file = files.tokenizer_config.source(),
                 .at = fmt::format("key {}", key),
                 .found = value->shown()});
  return *flag;
}

bool is_null(Json object, std::string_view key) { return object.has(key) && object[key].is_null(); }

void NamedTokens::Roles::set(std::string_view role, std::optional<NamedToken> token) {
  const auto [at, is_new] = places.try_emplace(std::string(role), entries.size());
  if (is_new)
    entries.emplace_back(role, std::move(token));
  else
    entries[at->second].second = std::move(token);
}

NamedTokens::NamedTokens(const SettingsFiles& files, const TokenizerClass* tokenizer_class) {
  for (const std::string_view role : kTokenRoles) standard_.set(role, std::nullopt);
  if (tokenizer_class) read_defaults(*tokenizer_class);
  read_config(files.tokenizer_config.root());
  // The map is the older of the two files; it is not read where the newer one declares all added tokens.
  if (!files.tokenizer_config.root().find("added_tokens_decoder")) read_map(files.special_tokens_map.root());
  if (!lists_extra_) extra_ = std::move(extra_by_default_);
  list_all();
}

void NamedTokens::read_defaults(const TokenizerClass& tokenizer_class) {
  const auto token = [](std::string_view content) {
    return NamedToken{.token = {.content = std::string(content), .special = true, .normalized = false},
                      .is_text = true,
                      .from_class = true};
  };
  for (size_t i = 0; i < kTokenRoles.size(); ++i)
    if (!tokenizer_class.tokens[i].empty()) standard_.entries[i].second = token(tokenizer_class.tokens[i]);
  mask_takes_space_ = tokenizer_class.mask_takes_space;
  if (mask_takes_space_) standard_.entries.back().second->token.left_strip = true;
  std::string_view words = tokenizer_class.other_tokens, role;
  while (!words.empty()) {
    const std::string_view word = words.substr(0, words.find(' '));
    words.remove_prefix(std::min(word.size() + 1, words.size()));
    if (word.ends_with("_token"))
      role = word;
    else if (role.empty())
      extra_by_default_.push_back(token(word));
    else
      objects_.set(role, token(word));
  }
}

void NamedTokens::list_all() {
  Roles others = objects_;
  for (const auto& [role, token] : texts_.entries) others.set(role, token);
  all_.clear();
  with_role_.clear();
  special_.clear();
  const auto note_special = [&](const NamedToken& named) {
    if (!named.from_class && !named.is_converted) special_.insert(named.token.content);
  };
  for (const Roles* roles : {&std::as_const(standard_), &std::as_const(others)})
    for (const auto& [role, token] : roles->entries) {
      if (!token) continue;
      all_.push_back(*token);
      with_role_.insert(token->token.content);
      if (roles == &standard_) note_special(*token);
    }
  all_.insert(all_.end(), extra_.begin(), extra_.end());
  for (const NamedToken& named : extra_) note_special(named);
}

void NamedTokens::take_flags_of(const AddedTokens& added) {
  for (auto& [role, token] : standard_.entries) {
    if (!token || token->from_class) continue;
    if (const AddedToken* known = added.token(added.find(token->token.content)))
      *token = {.token = *known, .is_text = false};
  }
  list_all();
}

void NamedTokens::read_role(std::string_view role, Json value, bool of_map) {
  if (!role.ends_with("_token")) return;
  std::optional<NamedToken> token = parse_named(value, of_map);
  if (std::find(kTokenRoles.begin(), kTokenRoles.end(), role) != kTokenRoles.end()) {
    if (!token && !value.is_null()) return;
    if (token && mask_takes_space_ && role == "mask_token" && token->is_text) token->token.left_strip = true;
    standard_.set(role, std::move(token));
  } else if (token) {
    (of_map || !token->is_text ? objects_ : texts_).set(role, std::move(token));
  }
}

// A list of tokens, or an object of roles and tokens.
void NamedTokens::read_extra(Json value, bool of_map) {
  for (Json item : value.items())
    if (auto token = parse_named(item, of_map)) extra_.push_back(*std::move(token));
  for (const auto& [role, item] : value.fields())
    if (auto token = parse_named(item, of_map)) texts_.set(role, std::move(token));
}

void NamedTokens::read_config(Json settings) {
  for (const auto& [role, value] : settings.fields()) read_role(role, value, false);
  // The older name counts where the newer one lists nothing.
  const auto extra = settings.find("extra_special_tokens");
  const auto older = settings.find("additional_special_tokens");
  lists_extra_ = is_null(settings, "extra_special_tokens") || (extra && extra->is_array());
  if (extra) read_extra(*extra, false);
  if (older && (is_empty(extra) || extra->is_object())) {
    read_extra(*older, false);
    lists_extra_ = older->is_array();
  }
  lists_extra_ |= is_null(settings, "additional_special_tokens") && is_empty(extra);
}

void NamedTokens::read_map(Json settings) {
  for (const auto& [role, value] : settings.fields()) {
    const bool is_extra = role == "extra_special_tokens";
    if (is_extra || (role == "additional_special_tokens" && !lists_extra_)) {
      read_extra(value, true);
      lists_extra_ = true;
    } else {
      read_role(role, value, true);
    }
  }
}

const AddedToken* NamedTokens::find(std::string_view role) const {
  for (const auto& [name, token] : standard_.entries)
    if (name == role && token) return &token->token;
  return nullptr;
}

bool NamedTokens::has_role(std::string_view content) const { return with_role_.contains(content); }

bool NamedTokens::is_special(std::string_view content) const { return special_.contains(content); }

Result<DeclaredTokens> declared_tokens(const SettingsFiles& files, const NamedTokens& named) {
  DeclaredTokens declared;
  if (const auto decoder = files.tokenizer_config.root().find("added_tokens_decoder")) {
    declared.instead = true;
    std::map<int32_t, AddedToken> tokens;
    for (const auto& [key, value] : decoder->fields()) {
      int32_t id = 0;
      const char* const end = key.data() + key.size();
      if (const auto read = std::from_chars(key.data(), end, id); read.ec != std::errc{} || read.ptr != end)
        return fail({.what = "a key is no token id",
                     .file = files.tokenizer_config.source(),
                     .at = "key added_tokens_decoder",
                     .expected = "an integer of 32 bits",
                     .found = plain_text(key, 60)});
      const bool special = value.boolean("special").value_or(false);
      if (auto token = parse_token(value, Defaults{.special = false, .normalized = !special}))
        tokens.insert_or_assign(id, *std::move(token));
    }
    for (auto& [id, token] : tokens) declared.tokens.emplace_back(id, std::move(token));
    return declared;
  }
  std::multimap<double, AddedToken> by_id;
  for (const auto& [content, value] : files.added_tokens.root().fields()) {
    const auto id = value.number();
    if (!id || std::isnan(*id))
      return fail({.what = "a token's id is no number",
                   .file = files.added_tokens.source(),
                   .at = fmt::format("key {}", plain_text(content, 60)),
                   .found = value.shown()});
    const bool special = named.is_special(content);
    by_id.emplace(*id, AddedToken{.content = std::string(content), .special = special, .normalized = !special});
  }
  for (auto& [id, token] : by_id) declared.tokens.emplace_back(id, std::move(token));
  return declared;
}

}  // namespace lstar
