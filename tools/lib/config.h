/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_LIB_CONFIG_H
#define TOOLS_LIB_CONFIG_H

struct run_config;

/*
 * Read the configuration file @path into @c: lines of key = "value", with #
 * comments; |XX in a value is the byte with that hexadecimal code (|22 is a
 * quote, |7C a bar).  Keys are those of options.def, serialN.fileName,
 * serialN.fileType, bt.* and monitor.*; each at most once, except initrd.
 * Relative file names start at the file's directory.
 * Returns 0, or a negative errno with "FILE:LINE: cause" in @err
 * (OPTIONS_ERR_LEN bytes).
 */
int config_read(struct run_config *c, const char *path, char *err);

/*
 * Split one line in place.  *key is NULL for blank lines and comments.
 * Returns NULL, or what is wrong with the line.
 */
const char *config_split(char *line, char **key, char **value);

#endif
