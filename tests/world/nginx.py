"""Debian's nginx around the site that `mwanga setup nginx` prints, with files of the test alone."""

import os
import shutil
from pathlib import Path

from tests.world.certificates import make_certificate

NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
NAME = "mwanga.example.org"


def nginx_of(folder: Path, text: str) -> Path:
    """A whole configuration of nginx around ours, with files of this test alone."""
    certificate, key = make_certificate(folder, NAME)
    live = f"/etc/letsencrypt/live/{NAME}"
    text = text.replace(f"{live}/fullchain.pem", str(certificate)).replace(f"{live}/privkey.pem", str(key))
    text = text.replace("/var/log/nginx", str(folder))
    whole = folder / "nginx.conf"
    paths = "".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    site = folder / "site.conf"
    site.write_text(text)
    whole.write_text(
        f"pid {folder}/nginx.pid; error_log {folder}/error.log;\nevents {{}}\nhttp {{ {paths} include {site}; }}\n"
    )
    return whole
