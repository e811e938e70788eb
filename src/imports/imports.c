/* The room's beginning and end: its folders. */
#include "imports_room.h"
#include "mem.h"
#include "web.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool make_folder(const char *path, struct err *err)
{
	return mkdir(path, 0700) == 0 || errno == EEXIST ||
	       err_set(err, ERR_REFUSED, "the folder %s can't be made: %s", path, strerror(errno));
}

/* Files without a folder's name: what a process that died left in the middle of something. */
static void empty_folder(const char *path, const char *prefix)
{
	DIR *folder = opendir(path);
	struct dirent *entry;

	while (folder && (entry = readdir(folder)) != NULL)
		if (entry->d_type != DT_DIR && strncmp(entry->d_name, prefix, strlen(prefix)) == 0)
			unlinkat(dirfd(folder), entry->d_name, 0);
	if (folder)
		closedir(folder);
}

struct vault_share *vault_hold(struct vault_share *share)
{
	share->users++;
	return share;
}

void vault_release(struct vault_share *share)
{
	if (share == NULL || --share->users > 0)
		return;
	OPENSSL_cleanse(share->key, sizeof(share->key));
	OPENSSL_cleanse(share->key_previous, sizeof(share->key_previous));
	free(share->dir);
	free(share);
}

static struct vault_share *share_create(const struct imports_options *options)
{
	struct vault_share *share = mem_zero(1, sizeof(*share));

	share->users = 1;
	share->dir = mem_format("%s/blobs", options->data_dir);
	share->vault.dir = share->dir;
	if (options->key)
		share->vault.key = memcpy(share->key, options->key, CRYPTO_KEY_SIZE);
	if (options->key_previous)
		share->vault.key_previous =
			memcpy(share->key_previous, options->key_previous, CRYPTO_KEY_SIZE);
	return share;
}

struct imports *imports_create(const struct imports_options *options, struct err *err)
{
	struct imports *imports = mem_zero(1, sizeof(*imports));

	imports->options = *options;
	imports->log = (struct log){ .name = "imports" };
	imports->work = mem_format("%s/work", options->data_dir);
	imports->parser = mem_text(options->parser);
	imports->public_url = mem_text(options->public_url);
	imports->vault = share_create(options);
	imports->options.data_dir = imports->options.parser = imports->options.public_url = NULL;
	imports->options.key = imports->options.key_previous = NULL;
	if (!make_folder(imports->work, err) || !make_folder(imports->vault->dir, err) ||
	    !links_start(imports, err)) {
		imports_destroy(imports);
		return NULL;
	}
	empty_folder(imports->work, "");
	empty_folder(imports->vault->dir, "new-");
	return imports;
}

char *imports_work_path(struct imports *imports)
{
	char uuid[CRYPTO_UUID_SIZE];

	return mem_format("%s/%s", imports->work, crypto_uuid(uuid));
}

void imports_destroy(struct imports *imports)
{
	if (imports == NULL)
		return;
	keepings_forget(imports);
	links_stop(imports);
	runs_destroy(imports);
	vault_release(imports->vault);
	OPENSSL_cleanse(imports->link_key, sizeof(imports->link_key));
	free(imports->work);
	free(imports->parser);
	free(imports->public_url);
	free(imports);
}

int imports_open_read(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		err_set(err, errno == ENOENT ? ERR_GONE : ERR_AGAIN, "%s: %s", path, strerror(errno));
	return fd;
}

int imports_open_new(const char *path, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		err_set(err, errno == ENOSPC || errno == EDQUOT ? ERR_FULL : ERR_AGAIN, "%s: %s", path,
			strerror(errno));
	return fd;
}
