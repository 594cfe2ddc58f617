// What slipway-init and slipway-process share: copying a command's two output streams into the log files, and noting
// what happened to them. For these programs only: static, without the C++ runtime. One thread.
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/init/status.hpp"

namespace slipway::agent {

struct Stream {
  int pipe = -1;
  int file = -1;
  unsigned long long limit = 0;
  unsigned long long written = 0;
};

inline InitStatus status;
inline int status_file = -1;
inline Stream streams[2];
inline char buffer[64 * 1024];

inline void save_status() {
  // Nothing can be done about a failure here: the log itself is not concerned.
  if (pwrite(status_file, &status, sizeof status, 0) < 0) return;
}

inline void store(int index, const char* bytes, size_t size) {
  Stream& stream = streams[index];
  const unsigned long long room = stream.limit > stream.written ? stream.limit - stream.written : 0;
  size_t keep = size < room ? size : static_cast<size_t>(room);
  size_t done = 0;
  while (done < keep) {
    const ssize_t put = pwrite(stream.file, bytes + done, keep - done, static_cast<off_t>(stream.written));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) {
      stream.limit = stream.written;  // a log with a hole would be worse than one that ends
      break;
    }
    done += static_cast<size_t>(put);
    stream.written += static_cast<unsigned long long>(put);
  }
  if (done < size) {
    status.dropped_bytes[index] += size - done;
    save_status();
  }
}

/// Copies what is there; false at the end of the stream.
inline bool copy_once(int index) {
  Stream& stream = streams[index];
  const ssize_t got = read(stream.pipe, buffer, sizeof buffer);
  if (got > 0) {
    store(index, buffer, static_cast<size_t>(got));
    return true;
  }
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return true;
  close(stream.pipe);
  stream.pipe = -1;
  return false;
}

/// Number behind "oom_kill " in a control group's file; 0 where there is none.
inline unsigned long long read_oom_kills(const char* path) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  char text[1024];
  const ssize_t got = read(fd, text, sizeof text - 1);
  close(fd);
  if (got <= 0) return 0;
  text[got] = 0;
  const char* found = strstr(text, "oom_kill ");
  return found == nullptr ? 0 : strtoull(found + strlen("oom_kill "), nullptr, 10);
}

}  // namespace slipway::agent
