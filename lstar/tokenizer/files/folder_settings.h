// The files beside a vocabulary: which special tokens they name and which flags they set, as AutoTokenizer of
// `transformers` 5.24 lays them over the vocabulary's own file.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lstar/base/json.h"
#include "lstar/tokenizer/files/tokenizer_class.h"
#include "lstar/tokenizer/pipeline/added_tokens.h"

namespace lstar {

struct SettingsFiles {
  JsonDocument tokenizer_config, special_tokens_map, added_tokens, config;
};

// Files that are not there are empty objects.
Result<SettingsFiles> read_settings(const std::string& folder);

// A flag of tokenizer_config.json. Null counts as absent; anything but true and false is refused by name.
Result<bool> read_flag(const SettingsFiles& files, std::string_view key, bool otherwise);
bool is_null(Json object, std::string_view key);  // the key is there, and null

// A token that the settings or the class name.
struct NamedToken {
  AddedToken token;
  bool is_text = false;       // it is named by its text alone
  bool from_class = false;    // not by the settings
  bool is_converted = false;  // an object of tokenizer_config.json
};

// The special tokens of a folder by their role ("bos_token"), and those without one.
class NamedTokens {
 public:
  // `tokenizer_class` may be null.
  NamedTokens(const SettingsFiles& files, const TokenizerClass* tokenizer_class);

  const AddedToken* find(std::string_view role) const;

  // In the order in which they get new ids: the standard roles, other roles, those without one.
  const std::vector<NamedToken>& all() const { return all_; }
  bool lists_extra() const { return lists_extra_; }
  bool has_role(std::string_view content) const;  // whether a token with a role is written so

  // Whether a token of added_tokens.json that is written so counts as special.
  bool is_special(std::string_view content) const;

  // A standard role that the settings name has the flags of the added token that is written so, where there is one.
  void take_flags_of(const AddedTokens& added);

 private:
  // Looked up by name: an untrusted file may have 100,000 of them.
  struct Roles {
    std::vector<std::pair<std::string, std::optional<NamedToken>>> entries;  // in the order they were first named
    std::map<std::string, size_t, std::less<>> places;
    void set(std::string_view role, std::optional<NamedToken> token);
  };
  void read_defaults(const TokenizerClass& tokenizer_class);
  void read_config(Json settings);
  void read_map(Json settings);
  void list_all();
  void read_role(std::string_view role, Json value, bool of_map);
  void read_extra(Json value, bool of_map);

  Roles standard_, objects_, texts_;  // other roles: those written as objects come before those written as text
  std::vector<NamedToken> extra_;
  std::vector<NamedToken> extra_by_default_;  // the class's, where the settings list none
  bool mask_takes_space_ = false;
  bool lists_extra_ = false;  // a list of tokens without a role stands in the settings, were it null
  std::vector<NamedToken> all_;
  std::set<std::string, std::less<>> with_role_, special_;  // how they are written
};

// Tokens that the settings declare with an id, which orders them and no more. Nothing where they declare none, so that
// those of a tokenizer.json count.
struct DeclaredTokens {
  std::vector<std::pair<double, AddedToken>> tokens;
  bool instead = false;  // added_tokens_decoder: it stands for the list of a tokenizer.json that a class rebuilds
};
Result<DeclaredTokens> declared_tokens(const SettingsFiles& files, const NamedTokens& named);

}  // namespace lstar
