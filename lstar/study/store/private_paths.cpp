#include "lstar/study/store/private_paths.h"

#include <cctype>

namespace lstar {
namespace {

bool is_absolute(const std::string& path) { return path.starts_with('/') && path.size() > 1; }

bool is_of_name(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return std::isalnum(byte) || c == '_' || c == '-' || byte >= 0x80;
}

// Whether the path stands at this place of the text, and not a part of a longer name: "/data" is not in
// "archive/data.pkl". A point behind it may end a sentence.
bool stands_alone(const std::string& text, size_t at, size_t size) {
  if (at > 0 && (is_of_name(text[at - 1]) || text[at - 1] == '.')) return false;
  size_t behind = at + size;
  if (text[behind - 1] == '/') return true;
  if (behind < text.size() && text[behind] == '.') ++behind;
  return behind >= text.size() || !is_of_name(text[behind]);
}

std::string replaced(std::string text, const std::string& path, const std::string& by) {
  if (!is_absolute(path) || path == by) return text;
  for (size_t at = text.find(path); at != text.npos; at = text.find(path, at)) {
    const bool is_it = stands_alone(text, at, path.size());
    if (is_it) text.replace(at, path.size(), by);
    at += is_it ? by.size() : path.size();
  }
  return text;
}

}  // namespace

Identity without_path(Identity identity) {
  if (identity.path != identity.model) identity.path.clear();
  return identity;
}

std::string without_path(std::string text, const Identity& identity) {
  return replaced(std::move(text), identity.path, identity.model);
}

Error without_path(Error error, const ModelEntry& entry) { return without_path(std::move(error), entry, entry.path); }

Error without_path(Error error, const ModelEntry& entry, const std::string& located) {
  const std::string& shown = shown_path(entry);
  for (std::string* part : {&error.what, &error.file, &error.at, &error.expected, &error.found})
    *part = replaced(replaced(std::move(*part), located, shown), entry.path, shown);
  if (is_absolute(error.file) && !error.file.starts_with(shown)) error.file.erase(0, error.file.rfind('/') + 1);
  return error;
}

Error without_folder(Error error, const std::string& folder, const std::string& by) {
  for (std::string* part : {&error.what, &error.file, &error.at, &error.expected, &error.found})
    *part = replaced(std::move(*part), folder, by);
  return error;
}

Measurement without_path(Measurement m, const ModelEntry& entry, const std::string& located) {
  const std::string& shown = shown_path(entry);
  const std::string opened = m.identity.path;
  m.identity.path = opened.starts_with(located) ? shown + opened.substr(located.size()) : shown;
  for (std::string& warning : m.warnings) {
    for (const std::string& path : {opened, located, m.identity.path})
      warning = replaced(std::move(warning), path, m.identity.model);
  }
  for (MeasuredPrompt& prompt : m.prompts)
    if (prompt.error) prompt.error = without_path(*std::move(prompt.error), entry, located);
  return m;
}

}  // namespace lstar
