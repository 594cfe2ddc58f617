// The plan as slipway-process reads it. For that program only: static, without the C++ runtime. Whatever is wrong ends
// the program, with the reason on its standard output, which the agent reads.
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/process/supervisor_status.hpp"

namespace slipway::agent {

[[noreturn]] __attribute__((format(printf, 1, 2))) inline void give_up(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vdprintf(1, format, arguments);
  va_end(arguments);
  _exit(125);
}

inline constexpr int kMostWords = 32;  ///< of each kind of setting that may come more than once

struct Mounting {
  const char* kind;  ///< tmpfs, directory, bind, bind-ro, read-only
  const char* target;
  const char* detail;  ///< source or options
};

struct Settings {
  unsigned uid = 0;
  unsigned groups[kMostWords];
  int group_count = 0;
  const char* log = nullptr;
  unsigned long long limits[2] = {0, 0};
  const char* entrances[kMostWords];
  int entrance_count = 0;
  const char* members = nullptr;  ///< file that lists the processes of the control group
  const char* forks = nullptr;    ///< file that limits their number
  const char* oom = nullptr;      ///< file that counts kills for memory
  const char* directory = "/";
  Mounting mounts[kMostWords];
  int mount_count = 0;
  int most_restarts = 0;
  long long first_pause_ms = 500;
  long long steady_ms = 60'000;  ///< a run as long as this makes earlier failures forgotten
  char** command = nullptr;
};

/// A whole file behind which a NUL stands; its length.
inline char* read_whole(int directory, const char* name, size_t& size) {
  const int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  struct stat info;
  if (fd < 0 || fstat(fd, &info) != 0) give_up("open %s: %s", name, strerror(errno));
  size = static_cast<size_t>(info.st_size);
  char* text = static_cast<char*>(malloc(size + 1));
  if (text == nullptr) give_up("no memory for %s", name);
  size_t done = 0;
  while (done < size) {
    const ssize_t got = read(fd, text + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) give_up("read %s: %s", name, strerror(errno));
    done += static_cast<size_t>(got);
  }
  close(fd);
  text[size] = 0;
  return text;
}

/// Pointers to the words of a file whose words end in NUL, and nullptr behind them.
inline char** read_words(int directory, const char* name) {
  size_t size = 0;
  char* text = read_whole(directory, name, size);
  size_t count = 0;
  for (size_t at = 0; at < size; ++at) count += text[at] == 0 ? 1 : 0;
  char** words = static_cast<char**>(calloc(count + 1, sizeof(char*)));
  if (words == nullptr) give_up("no memory for %s", name);
  char* word = text;
  for (size_t i = 0; i < count; ++i) {
    words[i] = word;
    word += strlen(word) + 1;
  }
  return words;
}

inline const char* next_word(char**& at) {
  if (*at == nullptr) give_up("the plan ends in the middle");
  return *at++;
}

inline void take_mount(Settings& settings, const char* kind, char**& at) {
  if (settings.mount_count == kMostWords) give_up("the plan has too many mounts");
  Mounting& one = settings.mounts[settings.mount_count++];
  one.kind = kind;
  one.target = next_word(at);
  one.detail = strcmp(kind, "read-only") == 0 ? "" : next_word(at);
}

inline void take_setting(Settings& settings, const char* key, char**& at) {
  const auto is = [key](const char* name) { return strcmp(key, name) == 0; };
  if (is("uid")) {
    settings.uid = static_cast<unsigned>(strtoul(next_word(at), nullptr, 10));
  } else if (is("group") && settings.group_count < kMostWords) {
    settings.groups[settings.group_count++] = static_cast<unsigned>(strtoul(next_word(at), nullptr, 10));
  } else if (is("log")) {
    settings.log = next_word(at);
    for (unsigned long long& limit : settings.limits) limit = strtoull(next_word(at), nullptr, 10);
  } else if (is("enter") && settings.entrance_count < kMostWords) {
    settings.entrances[settings.entrance_count++] = next_word(at);
  } else if (is("members")) {
    settings.members = next_word(at);
  } else if (is("forks")) {
    settings.forks = next_word(at);
  } else if (is("oom")) {
    settings.oom = next_word(at);
  } else if (is("cwd")) {
    settings.directory = next_word(at);
  } else if (is("restarts")) {
    settings.most_restarts = atoi(next_word(at));
    settings.first_pause_ms = atoll(next_word(at));
    settings.steady_ms = atoll(next_word(at));
  } else if (is("tmpfs") || is("directory") || is("bind") || is("bind-ro") || is("read-only")) {
    take_mount(settings, key, at);
  } else {
    give_up("the plan holds '%s', which is no setting or comes too often", key);
  }
}

inline Settings read_settings(int directory) {
  Settings settings;
  char** at = read_words(directory, kPlanFile);
  while (true) {
    const char* key = next_word(at);
    if (strcmp(key, "--") == 0) break;
    take_setting(settings, key, at);
  }
  settings.command = at;
  if (*at == nullptr || settings.uid == 0 || settings.log == nullptr || settings.members == nullptr) {
    give_up("the plan has no command, user, log or control group");
  }
  return settings;
}

}  // namespace slipway::agent
