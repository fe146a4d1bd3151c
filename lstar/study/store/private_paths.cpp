#include "lstar/study/store/private_paths.h"

namespace lstar {
namespace {

bool is_absolute(const std::string& path) { return path.starts_with('/') && path.size() > 1; }

std::string replaced(std::string text, const std::string& path, const std::string& by) {
  if (!is_absolute(path) || path == by) return text;
  for (size_t at = text.find(path); at != text.npos; at = text.find(path, at + by.size()))
    text.replace(at, path.size(), by);
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

const std::string& shown_path(const ModelEntry& entry) {
  return entry.written_path.empty() ? entry.path : entry.written_path;
}

Error without_path(Error error, const ModelEntry& entry) { return without_path(std::move(error), entry, entry.path); }

Error without_path(Error error, const ModelEntry& entry, const std::string& located) {
  const std::string& shown = shown_path(entry);
  for (std::string* part : {&error.what, &error.file, &error.at, &error.expected, &error.found})
    *part = replaced(replaced(std::move(*part), located, shown), entry.path, shown);
  if (is_absolute(error.file) && !error.file.starts_with(shown)) error.file.erase(0, error.file.rfind('/') + 1);
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
