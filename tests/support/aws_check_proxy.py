#!/usr/bin/env python3
"""aws_check_proxy.py - HTTP/1.1 reverse proxy between any AWS client and an AWS emulator
(the sandbox, moto), which checks every request against botocore's service-2.json models.

  aws_check_proxy.py --port 5932 --upstream http://127.0.0.1:5931 \
      --violations v.jsonl --stats stats.json [--log req.jsonl] [--latency-ms 50]
      [--rps 20 | --rps iam=5,glue=10,*=50] [--burst N] [--secret-key test] [--enforce]
      [--fail-nth N|N,M|every:N] [--drop-response-nth ...] [--error-nth N:STATUS:CODE]
      [--fault-match REGEX on "service:Operation"] [--cut rst|fin] [--no-cbor-bridge]

Control (same port): GET /__stats, /__reset, /__violations, /__config?latency_ms=..&rps=..&...
SIGTERM / SIGINT: writes the stats file and exits 0.

What is checked (kind): required, length, range, pattern, enum, unknown, type, union,
duplicate-key, xml-root, xml-namespace, content-type, version, checksum, operation,
unidentified, deprecated, and with --secret-key also sigv4.
level 'error' = the service model says no; 'warn' = suspicious but services may accept it.

Needs: Python >= 3.9 and an installed botocore (its data files only; botocore is not
imported). 'regex' is used for \\p{..} patterns when installed (cfn-lint brings it).
"""
import argparse, asyncio, base64, binascii, collections, datetime, glob, gzip, hashlib, hmac
import importlib.util, json, os, re, shutil, signal, socket, struct, sys, tempfile, time, zlib
import xml.etree.ElementTree as ET
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl, quote, unquote, urlsplit
try:
    import regex as rx
    RX_KW = {"timeout": 0.5}
except ImportError:                     # pragma: no cover
    rx, RX_KW = re, {}

# --------------------------------------------------------------------------- models

DATA = os.path.join(os.path.dirname(importlib.util.find_spec("botocore").origin), "data")


def _read(path):
    with (gzip.open(path, "rb") if path.endswith(".gz") else open(path, "rb")) as f:
        return json.loads(f.read())


def _merge(a, b):
    for k, v in b.items():
        if isinstance(v, dict) and isinstance(a.get(k), dict):
            _merge(a[k], v)
        else:
            a[k] = v


def model_file(name):
    fs = glob.glob(os.path.join(DATA, name, "*", "service-2.json.gz")) + \
        glob.glob(os.path.join(DATA, name, "*", "service-2.json"))
    return max(fs, key=lambda p: p.split(os.sep)[-2]) if fs else None


def build_index(cache):
    ver = "?"
    for d in glob.glob(os.path.join(os.path.dirname(os.path.dirname(DATA)), "botocore-*.dist-info")):
        ver = os.path.basename(d)
    if cache and os.path.exists(cache):
        try:
            j = json.load(open(cache))
            if j.get("ver") == ver:
                return j["idx"]
        except Exception:
            pass
    idx = {}
    for name in sorted(os.listdir(DATA)):
        f = model_file(name)
        if f:
            m = _read(f)["metadata"]
            idx[name] = {"sign": m.get("signingName") or m["endpointPrefix"], "proto": m.get("protocol"),
                         "protos": m.get("protocols") or [m.get("protocol")], "target": m.get("targetPrefix"),
                         "api": m["apiVersion"]}
    if cache:
        try:
            with open(cache, "w") as f:
                json.dump({"ver": ver, "idx": idx}, f)
        except OSError:
            pass
    return idx


class Service:
    def __init__(self, name):
        self.name = name
        f = model_file(name)
        m = _read(f)
        ex = os.path.join(os.path.dirname(f), "service-2.sdk-extras.json")
        if os.path.exists(ex):
            _merge(m, _read(ex).get("merge", {}))
        self.meta, self.ops, self.shapes = m["metadata"], m["operations"], m["shapes"]
        self.protocol = self.meta["protocol"]
        self.protocols = self.meta.get("protocols") or [self.protocol]
        self.routes = None
        self.wire = {}

    def op_input(self, op):
        i = self.ops[op].get("input")
        return i and self.shapes[i["shape"]]

    def get_routes(self):
        if self.routes is None:
            self.routes = []
            for n, o in self.ops.items():
                uri = o["http"]["requestUri"]
                path, _, q = uri.partition("?")
                lits = dict(parse_qsl(q, keep_blank_values=True)) if q else {}
                labels, rex, nlit = [], "", 0
                for seg in path.strip("/").split("/"):
                    if not seg:
                        continue
                    parts = re.split(r"(\{[^}]+\})", seg)
                    rex += "/"
                    for p in parts:
                        if p.startswith("{"):
                            g = p.endswith("+}")
                            labels.append(p.strip("{}+"))
                            rex += "(.+)" if g else "([^/]+)"
                        elif p:
                            nlit += 1
                            rex += re.escape(p)
                rex = "^" + rex + ("/?$" if not path.endswith("+}") else "$")
                inp = self.op_input(n) or {}
                req, known = [], set()
                for mn, mr in inp.get("members", {}).items():
                    loc = mr.get("location")
                    if loc in ("querystring", "header"):
                        w = mr.get("locationName", mn)
                        known.add((loc, w if loc == "querystring" else w.lower()))
                        if mn in inp.get("required", []):
                            req.append((loc, w if loc == "querystring" else w.lower()))
                self.routes.append((o["http"]["method"], re.compile(rex), labels, lits, nlit, req, known, n))
        return self.routes


class Models:
    def __init__(self, cache):
        self.idx = build_index(cache)
        self.by_sign = collections.defaultdict(list)
        for n, m in self.idx.items():
            self.by_sign[m["sign"]].append(n)
        self.by_sign["s3express"] = ["s3"]
        self.by_sign["eventbridge"] = ["events"]
        self.loaded = {}

    def get(self, name):
        if name not in self.loaded:
            self.loaded[name] = Service(name)
        return self.loaded[name]


# --------------------------------------------------------------------------- CBOR (RFC 8949 subset)

class Tag:
    def __init__(self, n, v):
        self.n, self.v = n, v


BREAK = object()


def cbor_decode(b):
    v, i = _cb(b, 0)
    if i != len(b):
        raise ValueError("trailing bytes after CBOR value")
    return v


def _cb(b, i):
    ib = b[i]
    maj, ai = ib >> 5, ib & 31
    i += 1
    if ai < 24:
        n = ai
    elif ai <= 27:
        w = 1 << (ai - 24)
        raw = b[i:i + w]
        n = int.from_bytes(raw, "big")
        i += w
    elif ai == 31:
        n = None
    else:
        raise ValueError("bad CBOR additional info")
    if maj == 0:
        return n, i
    if maj == 1:
        return -1 - n, i
    if maj in (2, 3):
        if n is None:
            out = []
            while True:
                v, i = _cb(b, i)
                if v is BREAK:
                    break
                out.append(v)
            return (b"" if maj == 2 else "").join(out), i
        s = b[i:i + n]
        if len(s) != n:
            raise ValueError("short CBOR string")
        return (bytes(s) if maj == 2 else s.decode("utf-8")), i + n
    if maj == 4:
        out = []
        while n is None or len(out) < n:
            v, i = _cb(b, i)
            if v is BREAK:
                break
            out.append(v)
        return out, i
    if maj == 5:
        out = {}
        k = 0
        while n is None or k < n:
            key, i = _cb(b, i)
            if key is BREAK:
                break
            out[key], i = _cb(b, i)
            k += 1
        return out, i
    if maj == 6:
        v, i = _cb(b, i)
        return Tag(n, v), i
    if ai == 20:
        return False, i
    if ai == 21:
        return True, i
    if ai in (22, 23):
        return None, i
    if ai == 25:
        return struct.unpack(">e", raw)[0], i
    if ai == 26:
        return struct.unpack(">f", raw)[0], i
    if ai == 27:
        return struct.unpack(">d", raw)[0], i
    if ai == 31:
        return BREAK, i
    raise ValueError("unsupported CBOR simple value")


def cbor_encode(v):
    def head(maj, n):
        if n < 24:
            return bytes([maj << 5 | n])
        for ai, w in ((24, 1), (25, 2), (26, 4), (27, 8)):
            if n < 1 << (8 * w):
                return bytes([maj << 5 | ai]) + n.to_bytes(w, "big")
    if v is None:
        return b"\xf6"
    if isinstance(v, bool):
        return b"\xf5" if v else b"\xf4"
    if isinstance(v, Tag):
        return head(6, v.n) + cbor_encode(v.v)
    if isinstance(v, int):
        return head(0, v) if v >= 0 else head(1, -1 - v)
    if isinstance(v, float):
        return b"\xfb" + struct.pack(">d", v)
    if isinstance(v, bytes):
        return head(2, len(v)) + v
    if isinstance(v, str):
        b = v.encode()
        return head(3, len(b)) + b
    if isinstance(v, list):
        return head(4, len(v)) + b"".join(map(cbor_encode, v))
    return head(5, len(v)) + b"".join(cbor_encode(k) + cbor_encode(x) for k, x in v.items())


def convert(svc, ref, v, to_cbor):
    """JSON-ready value <-> CBOR-ready value, driven by the shape (blobs, timestamps, floats)."""
    sh = svc.shapes[ref["shape"]]
    t = sh["type"]
    if v is None:
        return None
    if t == "structure" and isinstance(v, dict):
        return {k: convert(svc, sh["members"][k], x, to_cbor) for k, x in v.items()
                if k in sh["members"] and not (to_cbor and x is None)}
    if t == "list" and isinstance(v, list):
        return [convert(svc, sh["member"], x, to_cbor) for x in v]
    if t == "map" and isinstance(v, dict):
        return {k: convert(svc, sh["value"], x, to_cbor) for k, x in v.items()}
    if t == "blob":
        return base64.b64decode(v) if to_cbor and isinstance(v, str) else base64.b64encode(v).decode() if isinstance(v, bytes) else v
    if t == "timestamp":
        if not to_cbor:
            return v.v if isinstance(v, Tag) else v
        if isinstance(v, str):
            v = datetime.datetime.fromisoformat(v.replace("Z", "+00:00")).timestamp()
        return Tag(1, float(v) if v != int(v) else int(v))
    if t in ("float", "double") and to_cbor and isinstance(v, (int, float)):
        return float(v)
    return v


def cbor_text_map(d):
    def s(x):
        x = x.encode()
        return (bytes([0x60 + len(x)]) if len(x) < 24 else b"\x78" + bytes([len(x)]) if len(x) < 256
                else b"\x79" + struct.pack(">H", len(x))) + x
    return bytes([0xA0 + len(d)]) + b"".join(s(k) + s(v) for k, v in d.items())


# --------------------------------------------------------------------------- validation

_pat = {}


def compile_pattern(p):
    if p not in _pat:
        q = p.replace("\\uD800\\uDC00-\\uDBFF\\uDFFF", "\\U00010000-\\U0010FFFF")
        q = q.replace("\\z", "\\Z")
        q = re.sub(r"\\x\{([0-9A-Fa-f]+)\}", lambda m: "\\u%04x" % int(m[1], 16), q)
        try:
            if "&&" in q and rx is not re:
                _pat[p] = rx.compile("(?V1)" + q)
            else:
                _pat[p] = rx.compile(q)
        except Exception:
            _pat[p] = None
    return _pat[p]


def short(v, n=160):
    s = v if isinstance(v, str) else repr(v)
    return s if len(s) <= n else s[:n] + "...(%d)" % len(s)


class Check:
    """One request: collects violations and converts the wire form to plain values."""

    def __init__(self, svc, op, proto):
        self.svc, self.op, self.proto = svc, op, proto
        self.v = []

    def add(self, kind, path, detail, value=None, level="error", **kw):
        d = {"kind": kind, "level": level, "path": path, "detail": detail}
        if value is not None:
            d["value"] = short(value)
        d.update(kw)
        self.v.append(d)

    # ---- wire name maps
    def wire(self, sname, style):
        key = (sname, style)
        w = self.svc.wire.get(key)
        if w is None:
            w = {}
            sh = self.svc.shapes[sname]
            for mn, mr in sh.get("members", {}).items():
                if mr.get("location"):
                    continue
                n = mr.get("locationName", mn)
                ms = self.svc.shapes[mr["shape"]]
                if style == "ec2":
                    if "queryName" in mr:
                        n = mr["queryName"]
                    elif "locationName" in mr:
                        n = n[0].upper() + n[1:]
                    else:
                        n = mn
                elif style == "query":
                    flat = ms.get("flattened") or mr.get("flattened")
                    if ms["type"] == "list" and flat and ms["member"].get("locationName"):
                        n = ms["member"]["locationName"]
                elif style == "cbor":
                    n = mn
                w[n] = (mn, mr)
            self.svc.wire[key] = w
        return w

    def unknown(self, path, key, known, value=None, level="error"):
        hint = [k for k in known if k.lower() == key.lower()]
        self.add("unknown", f"{path}.{key}".lstrip("."), "member is not in the model" +
                 (f" (did you mean {hint[0]!r}?)" if hint else ""), value, level)

    # ---- scalar from text (query, xml, headers, uri)
    def from_text(self, mr, sh, s, path, loc="body"):
        t = sh["type"]
        try:
            if t in ("integer", "long"):
                if not re.fullmatch(r"[+-]?\d+", s):
                    raise ValueError
                return int(s)
            if t in ("float", "double"):
                return float(s)
            if t == "boolean":
                if s not in ("true", "false"):
                    if s.lower() in ("true", "false", "0", "1"):
                        self.add("type", path, "boolean should be 'true' or 'false'", s, "warn")
                        return s.lower() in ("true", "1")
                    raise ValueError
                return s == "true"
            if t == "blob":
                return base64.b64decode(s, validate=True)
            if t == "timestamp":
                fmt = mr.get("timestampFormat") or sh.get("timestampFormat") or \
                    ("rfc822" if loc == "header" else "iso8601")
                return self.ts(fmt, s, path)
            if t == "string" and (mr.get("jsonvalue") or sh.get("jsonvalue")):
                json.loads(base64.b64decode(s))
            return s
        except (ValueError, binascii.Error):
            self.add("type", path, f"not a valid {t}", s)
            return None

    def ts(self, fmt, s, path):
        try:
            if fmt == "unixTimestamp":
                float(s)
            elif fmt == "rfc822":
                parsedate_to_datetime(s)
            else:
                datetime.datetime.fromisoformat(s.replace("Z", "+00:00"))
            return s
        except Exception:
            self.add("type", path, f"not a {fmt} timestamp", s)
            return None

    # ---- JSON / CBOR
    def from_json(self, mr, v, path, cbor=False):
        sname = mr["shape"]
        sh = self.svc.shapes[sname]
        t = sh["type"]
        if t == "structure":
            if sh.get("document"):
                return v
            if not isinstance(v, dict):
                return self.bad(path, t, v)
            w = self.wire(sname, "cbor" if cbor else "json")
            out = {}
            for k, x in v.items():
                if k not in w:
                    if k != "__type":
                        self.unknown(path, str(k), w, x)
                    continue
                if x is None:
                    self.add("type", f"{path}.{k}".lstrip("."), "explicit null", None, "warn")
                    continue
                mn, m2 = w[k]
                out[mn] = self.from_json(m2, x, f"{path}.{mn}".lstrip("."), cbor)
            return out
        if t == "list":
            if not isinstance(v, list):
                return self.bad(path, t, v)
            return [self.from_json(sh["member"], x, f"{path}[{i}]", cbor) for i, x in enumerate(v)]
        if t == "map":
            if not isinstance(v, dict):
                return self.bad(path, t, v)
            return {k: self.from_json(sh["value"], x, f"{path}[{k!r}]", cbor) for k, x in v.items()}
        if t == "string":
            return v if isinstance(v, str) else self.bad(path, t, v)
        if t in ("integer", "long"):
            return v if isinstance(v, int) and not isinstance(v, bool) else self.bad(path, t, v)
        if t in ("float", "double"):
            if isinstance(v, (int, float)) and not isinstance(v, bool) or v in ("NaN", "Infinity", "-Infinity"):
                return v
            return self.bad(path, t, v)
        if t == "boolean":
            return v if isinstance(v, bool) else self.bad(path, t, v)
        if t == "blob":
            if cbor:
                return v if isinstance(v, bytes) else self.bad(path, t, v)
            try:
                return base64.b64decode(v, validate=True)
            except Exception:
                return self.bad(path, "base64 blob", v)
        if t == "timestamp":
            if cbor:
                return v.v if isinstance(v, Tag) and v.n == 1 else self.bad(path, "CBOR tag 1 timestamp", v)
            fmt = mr.get("timestampFormat") or sh.get("timestampFormat") or "unixTimestamp"
            if fmt == "unixTimestamp":
                return v if isinstance(v, (int, float)) and not isinstance(v, bool) else self.bad(path, "unixTimestamp number", v)
            return self.ts(fmt, v, path) if isinstance(v, str) else self.bad(path, fmt + " string", v)
        return v

    def bad(self, path, t, v):
        self.add("type", path, f"not a {t}", v)
        return None

    # ---- query / ec2
    @staticmethod
    def trie(pairs):
        root = [None, {}]
        for k, v in pairs:
            n = root
            for p in k.split("."):
                n = n[1].setdefault(p, [None, {}])
            n[0] = v
        return root

    def from_trie(self, mr, node, path, style):
        sname = mr["shape"]
        sh = self.svc.shapes[sname]
        t = sh["type"]
        if t == "structure":
            if node[0] not in (None, ""):
                self.add("type", path, "scalar where a structure is expected", node[0])
            w = self.wire(sname, style)
            out = {}
            for k, sub in node[1].items():
                if k not in w:
                    self.unknown(path, k, w, self.first(sub))
                    continue
                mn, m2 = w[k]
                out[mn] = self.from_trie(m2, sub, f"{path}.{mn}".lstrip("."), style)
            return out
        if t == "list":
            if not node[1]:
                if node[0] == "":
                    return []
                self.add("type", path, "scalar where a list is expected", node[0])
                return None
            n = node
            flat = style == "ec2" or sh.get("flattened") or mr.get("flattened")
            if not flat:
                nm = sh["member"].get("locationName", "member")
                for k in node[1]:
                    if k != nm:
                        self.add("unknown", f"{path}.{k}", f"list items must be under {nm!r}", self.first(node[1][k]))
                n = node[1].get(nm, [None, {}])
            return self.items(n, path, lambda sub, p: self.from_trie(sh["member"], sub, p, style))
        if t == "map":
            flat = sh.get("flattened") or mr.get("flattened")
            n = node if flat else node[1].get("entry", [None, {}])
            if not flat:
                for k in node[1]:
                    if k != "entry":
                        self.add("unknown", f"{path}.{k}", "map items must be under 'entry'")
            kn, vn = sh["key"].get("locationName", "key"), sh["value"].get("locationName", "value")
            out = {}
            def one(sub, p):
                key = sub[1].get(kn, [None, {}])[0]
                if key is None:
                    self.add("required", p, f"map entry without {kn!r}")
                    return None
                out[key] = self.from_trie(sh["value"], sub[1].get(vn, ["", {}]), p + "." + vn, style)
            self.items(n, path, one)
            return out
        for k, sub in node[1].items():
            self.unknown(path, k, (), self.first(sub))
        if node[0] is None:
            return None
        return self.from_text(mr, sh, node[0], path)

    def items(self, n, path, f):
        idx = []
        for k in n[1]:
            if k.isdigit():
                idx.append(int(k))
            else:
                self.add("unknown", f"{path}.{k}", "list index expected", self.first(n[1][k]))
        idx.sort()
        if idx and idx != list(range(1, len(idx) + 1)):
            self.add("type", path, "list indices are not 1..n", str(idx))
        return [f(n[1][str(i)], f"{path}[{i - 1}]") for i in idx if str(i) in n[1]]

    def first(self, node):
        if node[0] is not None:
            return node[0]
        for c in node[1].values():
            return self.first(c)

    # ---- XML
    def from_xml(self, mr, el, path):
        sname = mr["shape"]
        sh = self.svc.shapes[sname]
        t = sh["type"]
        if t == "structure":
            w = self.wire(sname, "xml")
            out, groups = {}, collections.OrderedDict()
            attrs = {}
            for n, (mn, m2) in w.items():
                if m2.get("xmlAttribute"):
                    attrs[n.split(":")[-1]] = (mn, m2)
            for an, av in el.attrib.items():
                ln = an.rsplit("}", 1)[-1]
                if ln in attrs:
                    out[attrs[ln][0]] = av
                elif "schemaLocation" not in ln:
                    self.add("unknown", f"{path}@{ln}", "XML attribute is not in the model", av, "warn")
            for c in el:
                groups.setdefault(c.tag.rsplit("}", 1)[-1], []).append(c)
            for n, cs in groups.items():
                if n not in w:
                    self.unknown(path, n, w, cs[0].text)
                    continue
                mn, m2 = w[n]
                ms = self.svc.shapes[m2["shape"]]
                p = f"{path}.{mn}".lstrip(".")
                flat = ms.get("flattened") or m2.get("flattened")
                if ms["type"] == "list" and flat:
                    out[mn] = [self.from_xml(ms["member"], c, f"{p}[{i}]") for i, c in enumerate(cs)]
                    continue
                if ms["type"] == "map" and flat:
                    out[mn] = self.xml_map(ms, cs, p)
                    continue
                if len(cs) > 1:
                    self.add("type", p, f"element <{n}> occurs {len(cs)} times")
                out[mn] = self.from_xml(m2, cs[0], p)
            return out
        if t == "list":
            nm = sh["member"].get("locationName", "member")
            out = []
            for c in el:
                n = c.tag.rsplit("}", 1)[-1]
                if n != nm:
                    self.add("unknown", f"{path}.{n}", f"list items must be <{nm}>", c.text)
                    continue
                out.append(self.from_xml(sh["member"], c, f"{path}[{len(out)}]"))
            return out
        if t == "map":
            return self.xml_map(sh, [c for c in el if c.tag.rsplit("}", 1)[-1] == "entry"], path)
        if len(el):
            self.add("type", path, f"children where a {t} is expected", el[0].tag)
        return self.from_text(mr, sh, el.text or "", path)

    def xml_map(self, sh, cs, path):
        kn, vn = sh["key"].get("locationName", "key"), sh["value"].get("locationName", "value")
        out = {}
        for c in cs:
            d = {x.tag.rsplit("}", 1)[-1]: x for x in c}
            if kn in d and vn in d:
                out[d[kn].text or ""] = self.from_xml(sh["value"], d[vn], f"{path}[{d[kn].text!r}]")
            else:
                self.add("required", path, f"map entry without <{kn}>/<{vn}>")
        return out

    # ---- constraints
    def validate(self, mr, v, path):
        if v is None:
            return
        sname = mr["shape"]
        sh = self.svc.shapes[sname]
        t = sh["type"]
        if t == "structure":
            if sh.get("document") or sh.get("eventstream") or not isinstance(v, dict):
                return
            for r in sh.get("required", []):
                if r not in v:
                    self.add("required", f"{path}.{r}".lstrip("."), "required member is missing", shape=sname)
            if sh.get("union"):
                n = sum(1 for x in v.values() if x is not None)
                if n != 1:
                    self.add("union", path, f"union needs exactly one member, has {n}", shape=sname)
            for k, x in v.items():
                m2 = sh["members"][k]
                if m2.get("deprecated"):
                    self.add("deprecated", f"{path}.{k}".lstrip("."), m2.get("deprecatedMessage", "deprecated member"), level="warn")
                self.validate(m2, x, f"{path}.{k}".lstrip("."))
            return
        lo, hi = sh.get("min"), sh.get("max")
        if t in ("list", "map", "blob") or t == "string":
            try:
                n = len(v)
            except TypeError:
                return
            if lo is not None and n < lo:
                self.add("length", path, f"length {n} < min {lo:g}", v, shape=sname)
            if hi is not None and n > hi:
                self.add("length", path, f"length {n} > max {hi:g}", v, shape=sname)
            if t == "list":
                for i, x in enumerate(v):
                    self.validate(sh["member"], x, f"{path}[{i}]")
            elif t == "map":
                for k, x in v.items():
                    self.validate(sh["key"], k, f"{path}.key({short(k, 40)})")
                    self.validate(sh["value"], x, f"{path}[{k!r}]")
            elif t == "string":
                if "enum" in sh and v not in sh["enum"]:
                    self.add("enum", path, f"not one of {short(sh['enum'], 300)}", v, shape=sname)
                if "pattern" in sh and isinstance(v, str):
                    p = compile_pattern(sh["pattern"])
                    if p is not None:
                        try:
                            if not p.fullmatch(v, **RX_KW):
                                part = bool(p.search(v, **RX_KW))
                                self.add("pattern", path, f"does not match {short(sh['pattern'], 200)}", v,
                                         shape=sname, match="partial" if part else "none")
                        except TimeoutError:
                            pass
        elif t in ("integer", "long", "float", "double") and isinstance(v, (int, float)):
            if lo is not None and v < lo:
                self.add("range", path, f"{v} < min {lo:g}", v, shape=sname)
            if hi is not None and v > hi:
                self.add("range", path, f"{v} > max {hi:g}", v, shape=sname)


class DupDict(dict):
    dups = ()


def json_pairs(pairs):
    d = DupDict(pairs)
    if len(d) != len(pairs):
        c = collections.Counter(k for k, _ in pairs)
        d.dups = [k for k, n in c.items() if n > 1]
    return d


def find_dups(v, path=""):
    if isinstance(v, dict):
        for k in getattr(v, "dups", ()):
            yield f"{path}.{k}".lstrip(".")
        for k, x in v.items():
            yield from find_dups(x, f"{path}.{k}")
    elif isinstance(v, list):
        for i, x in enumerate(v):
            yield from find_dups(x, f"{path}[{i}]")


# --------------------------------------------------------------------------- request identification

CRED = re.compile(r"Credential=([^/,\s]+)/(\d{8})/(?:([^/,\s]+)/)?([^/,\s]+)/aws4_request")
GENERIC_HDR = re.compile(r"x-amz-(date|content-sha256|security-token|user-agent|decoded-content-length|trailer|"
                         r"checksum-[a-z0-9-]+|sdk-.*|target|api-version|te|invocation-id|retry-.*|id-2|"
                         r"s3session-token|client-.*)$")


class Req:
    __slots__ = ("method", "target", "path", "query", "headers", "raw_headers", "body", "host", "akid", "region",
                 "sign", "service", "op", "proto", "bucket_host", "svc", "labels", "n", "version")

    def h(self, name, default=None):
        return self.headers.get(name, default)


def identify(models, r, s3_domains):
    """Fill r.service, r.op, r.proto. Returns list of violations of identification."""
    out = []

    def vio(kind, detail, **kw):
        out.append({"kind": kind, "level": "error", "path": "", "detail": detail, **kw})

    auth = r.h("authorization", "")
    m = CRED.search(auth)
    if not m:
        qc = dict(r.query).get("X-Amz-Credential")
        m = CRED.search("Credential=" + qc) if qc else None
    r.akid = r.region = r.sign = None
    if m:
        r.akid, _, r.region, r.sign = m.groups()
    cands = list(models.by_sign.get(r.sign, [])) if r.sign else []
    if r.sign and not cands and r.sign in models.idx:
        cands = [r.sign]
    r.service = r.op = r.proto = r.svc = None
    r.labels, r.bucket_host = {}, None

    def done(name, op, proto):
        r.service, r.op, r.proto = name, op, proto
        r.svc = models.get(name)
        return out

    # 1. AWS JSON
    tgt = r.h("x-amz-target")
    if tgt:
        pre, _, op = tgt.rpartition(".")
        # Some SDKs write the service's namespace before its name, others do not: CloudTrail_20131101.CreateTrail is
        # com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.CreateTrail, and AWS takes both.
        bare = pre.rpartition(".")[2]
        pool = [n for n in (cands or models.idx) if (models.idx[n]["target"] or "").rpartition(".")[2] == bare]
        for n in pool:
            if op in models.get(n).ops:
                return done(n, op, "json")
        n = (pool or cands or [None])[0]
        vio("operation", f"X-Amz-Target {tgt!r} is not an operation of {n or r.sign}")
        if n:
            done(n, None, "json")
            r.op = "?" + op
        return out
    # 2. rpc-v2-cbor
    mm = re.match(r"^/service/([^/]+)/operation/([^/?]+)$", r.path)
    if mm and r.h("smithy-protocol", "").startswith("rpc-v2"):
        pool = cands or [n for n in models.idx if models.idx[n]["target"] == mm[1]]
        for n in pool:
            if mm[2] in models.get(n).ops:
                s = models.get(n)
                if s.meta.get("targetPrefix") not in (None, mm[1]):
                    vio("operation", f"service name {mm[1]!r} in the path, model says {s.meta['targetPrefix']!r}")
                return done(n, mm[2], "cbor" if "cbor" in r.h("smithy-protocol") else "json")
        vio("operation", f"no operation {mm[2]} for signing name {r.sign}")
        return out
    # 3. query / ec2
    ct = r.h("content-type", "").split(";")[0].strip().lower()
    form = None
    if r.method == "POST" and (ct == "application/x-www-form-urlencoded" or r.body[:7] == b"Action="):
        form = parse_qsl(r.body.decode("utf-8", "replace"), keep_blank_values=True)
    elif any(k == "Action" for k, _ in r.query):
        form = r.query
    if form and any(k == "Action" for k, _ in form):
        d = dict(form)
        op, ver = d["Action"], d.get("Version")
        pool = [n for n in (cands or models.idx) if set(models.idx[n]["protos"]) & {"query", "ec2"}]
        pool.sort(key=lambda n: (models.idx[n]["api"] != ver, n not in ("rds", "elbv2"), n))
        for n in pool:
            if models.idx[n]["api"] == ver and op in models.get(n).ops:
                return done(n, op, "ec2" if models.get(n).protocol == "ec2" else "query")
        for n in pool if cands else []:
            if op in models.get(n).ops:
                return done(n, op, "ec2" if models.get(n).protocol == "ec2" else "query")
        if pool and (cands or len(pool) == 1):
            vio("operation", f"Action {op!r} Version {ver!r} is not an operation of {pool}")
            done(pool[0], None, "query")
            r.op = "?" + op
        else:
            vio("unidentified", f"Action {op!r} Version {ver!r} and no SigV4 scope")
        return out
    # 4. REST
    if not cands:
        cands = ["s3"]
    host = (r.host or "").split(":")[0].lower()
    best = None
    for n in cands:
        if not models.idx[n]["proto"].startswith("rest"):
            continue
        s = models.get(n)
        path = r.path
        bh = None
        if n == "s3" and host not in s3_domains:
            for dom in sorted(s3_domains, key=len, reverse=True):
                if host.endswith("." + dom):
                    bh = host[:-len(dom) - 1]
                    path = "/" + quote(bh) + path
                    break
        q = dict(r.query)
        for meth, rex, labels, lits, nlit, req, known, op in s.get_routes():
            if meth != r.method:
                continue
            g = rex.match(path)
            if not g:
                continue
            if any(k not in q or (v and q[k] != v) for k, v in lits.items()):
                continue
            have = sum(1 for loc, w in req if (w in q if loc == "querystring" else w in r.headers))
            unk = sum(1 for k in q if k not in lits and ("querystring", k) not in known and k != "x-id" and not k.startswith("X-Amz-"))
            score = (nlit, len(lits), have == len(req), q.get("x-id") == op, have, -unk,
                     not s.ops[op].get("deprecated"), -len(op))
            if best is None or score > best[0]:
                best = (score, n, op, dict(zip(labels, g.groups())), bh, lits)
    if best:
        _, n, op, labels, bh, lits = best
        r.labels, r.bucket_host = labels, bh
        return done(n, op, models.get(n).protocol)
    vio("operation" if r.sign else "unidentified", f"no operation of {cands} matches {r.method} {r.path}")
    if r.sign and cands:
        done(cands[0], None, models.idx[cands[0]]["proto"])
        r.op = "?" + r.method
    return out


# --------------------------------------------------------------------------- per protocol parse

def check_request(r, secret=None):
    c = Check(r.svc, r.op, r.proto)
    if r.op is None or r.op.startswith("?"):
        if secret:
            sigv4(c, r, secret)
        return c.v
    s, o = r.svc, r.svc.ops[r.op]
    if o.get("deprecated"):
        c.add("deprecated", "", "deprecated operation", level="warn")
    body = r.body
    enc = r.h("content-encoding", "").lower()
    if "gzip" in enc and "aws-chunked" not in enc:
        try:
            body = gzip.decompress(body)
        except Exception as e:
            c.add("type", "", f"content-encoding gzip but {e}")
    ref = o.get("input")
    inp = ref and s.shapes[ref["shape"]]
    ct = r.h("content-type", "").split(";")[0].strip().lower()
    val = {}
    if r.proto == "json" and "x-amz-target" in r.headers:
        want = "application/x-amz-json-" + str(s.meta.get("jsonVersion", "1.0"))
        if ct != want:
            c.add("content-type", "", f"content-type {ct!r}, model says {want!r}")
        v = parse_json(c, body)
        if isinstance(v, dict):
            if ref:
                val = c.from_json(ref, v, "")
            elif v:
                c.add("unknown", "", f"operation takes no input, got {list(v)[:5]}")
        elif v is not None:
            c.add("type", "", "body is not a JSON object", v)
    elif r.proto == "cbor":
        if ct != "application/cbor":
            c.add("content-type", "", f"content-type {ct!r}, want 'application/cbor'")
        if body:
            try:
                v = cbor_decode(body)
                if ref and isinstance(v, dict):
                    val = c.from_json(ref, v, "", cbor=True)
            except Exception as e:
                c.add("type", "", f"body is not CBOR: {e}")
    elif r.proto in ("query", "ec2"):
        form = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True) if body else r.query
        seen = collections.Counter(k for k, _ in form)
        for k, n in seen.items():
            if n > 1:
                c.add("duplicate-key", k, f"parameter given {n} times")
        d = dict(form)
        if d.get("Version") != s.meta["apiVersion"]:
            c.add("version", "Version", f"Version {d.get('Version')!r}, model says {s.meta['apiVersion']!r}")
        if body and r.method == "POST" and ct != "application/x-www-form-urlencoded":
            c.add("content-type", "", f"content-type {ct!r}, want application/x-www-form-urlencoded", level="warn")
        t = c.trie([(k, v) for k, v in form if k not in ("Action", "Version") and not k.startswith("X-Amz-")
                    and k not in ("AUTHPARAMS", "AWSAccessKeyId", "Signature", "SignatureMethod", "SignatureVersion", "Timestamp")])
        if ref:
            val = c.from_trie(ref, t, "", r.proto)
        elif t[1]:
            c.add("unknown", "", f"operation takes no input, got {list(t[1])[:5]}")
    else:
        val = check_rest(c, r, s, o, ref, inp, body, ct)
    if ref and val is not None:
        c.validate(ref, val, "")
    checksum(c, r, o)
    if secret:
        sigv4(c, r, secret)
    return c.v


def parse_json(c, body):
    if not body:
        return {}
    try:
        v = json.loads(body, object_pairs_hook=json_pairs)
    except Exception as e:
        c.add("type", "", f"body is not JSON: {e}", body[:80])
        return None
    for p in find_dups(v):
        c.add("duplicate-key", p, "JSON key given twice")
    return v


def check_rest(c, r, s, o, ref, inp, body, ct):
    val, q = {}, collections.OrderedDict()
    for k, v in r.query:
        q.setdefault(k, []).append(v)
    lits = set(dict(parse_qsl(o["http"]["requestUri"].partition("?")[2], keep_blank_values=True)))
    members = inp["members"] if inp else {}
    known_q, known_h, has_map_q = set(lits), set(), False
    bodym = {}
    for mn, mr in members.items():
        loc = mr.get("location")
        sh = s.shapes[mr["shape"]]
        w = mr.get("locationName", mn)
        if loc == "uri":
            if w in r.labels:
                val[mn] = c.from_text(mr, sh, unquote(r.labels[w]), mn)
        elif loc == "querystring":
            known_q.add(w)
            if sh["type"] == "map":
                has_map_q = True
                continue
            if w in q:
                if sh["type"] == "list":
                    val[mn] = [c.from_text(sh["member"], s.shapes[sh["member"]["shape"]], x, f"{mn}[{i}]") for i, x in enumerate(q[w])]
                else:
                    if len(q[w]) > 1:
                        c.add("duplicate-key", mn, f"query parameter {w} given {len(q[w])} times")
                    val[mn] = c.from_text(mr, sh, q[w][0], mn)
        elif loc == "header":
            known_h.add(w.lower())
            hv = r.headers.get(w.lower())
            if hv is not None:
                if sh["type"] == "list":
                    ms = s.shapes[sh["member"]["shape"]]
                    val[mn] = [c.from_text(sh["member"], ms, x.strip(), f"{mn}[{i}]", "header") for i, x in enumerate(hv.split(","))]
                else:
                    val[mn] = c.from_text(mr, sh, hv, mn, "header")
        elif loc == "headers":
            pre = w.lower()
            val[mn] = {k[len(pre):]: v for k, v in r.headers.items() if k.startswith(pre)}
            known_h |= {k for k in r.headers if k.startswith(pre)}
            if not val[mn]:
                del val[mn]
        elif loc is None:
            bodym[mn] = mr
    if has_map_q:
        for mn, mr in members.items():
            if mr.get("location") == "querystring" and s.shapes[mr["shape"]]["type"] == "map":
                val[mn] = {k: v[0] for k, v in q.items() if k not in known_q}
    else:
        for k in q:
            if k not in known_q and k != "x-id" and not k.startswith("X-Amz-"):
                c.unknown("?", k, known_q, q[k][0])
    for k in r.headers:
        if k.startswith("x-amz-") and k not in known_h and not GENERIC_HDR.match(k):
            c.add("unknown", "header." + k, "x-amz header is not in the operation's model", r.headers[k], "warn")
    pay = inp.get("payload") if inp else None
    if pay:
        mr = members[pay]
        sh = s.shapes[mr["shape"]]
        if sh["type"] in ("blob", "string") or sh.get("eventstream"):
            if body or pay in inp.get("required", []):
                val[pay] = body if sh["type"] == "blob" else body.decode("utf-8", "replace")
            if sh["type"] == "blob":
                val.pop(pay, None) if not body and pay not in inp.get("required", []) else None
        elif body:
            if s.protocol == "rest-json":
                v = parse_json(c, body)
                if v is not None:
                    val[pay] = c.from_json(mr, v, pay)
            else:
                el = xml_root(c, body, mr.get("locationName", mr["shape"]), mr.get("xmlNamespace") or sh.get("xmlNamespace"))
                if el is not None:
                    val[pay] = c.from_xml(mr, el, pay)
    elif bodym:
        if s.protocol == "rest-json":
            if body:
                if ct and ct not in ("application/json", "application/x-amz-json-1.1", "application/x-amz-json-1.0"):
                    c.add("content-type", "", f"content-type {ct!r}, want application/json", level="warn")
                v = parse_json(c, body)
                if isinstance(v, dict):
                    x = c.from_json(ref, v, "")
                    if x:
                        val.update(x)
                elif v is not None:
                    c.add("type", "", "body is not a JSON object", v)
        elif body:
            el = xml_root(c, body, ref.get("locationName", ref["shape"]), ref.get("xmlNamespace"))
            if el is not None:
                x = c.from_xml(ref, el, "")
                if x:
                    val.update(x)
    elif body and body not in (b"{}", b""):
        c.add("unknown", "", f"operation takes no body, got {len(body)} bytes", body[:80].decode("utf-8", "replace"), "warn")
    return val


def xml_root(c, body, want, ns):
    try:
        el = ET.fromstring(body)
    except ET.ParseError as e:
        c.add("type", "", f"body is not XML: {e}", body[:80].decode("utf-8", "replace"))
        return None
    tag = el.tag.rsplit("}", 1)
    if tag[-1] != want:
        c.add("xml-root", "", f"root element <{tag[-1]}>, model says <{want}>")
    uri = tag[0][1:] if len(tag) == 2 else None
    wu = ns and (ns.get("uri") if isinstance(ns, dict) else ns)
    if wu and uri != wu:
        c.add("xml-namespace", "", f"xmlns {uri!r}, model says {wu!r}", level="warn")
    return el


def aws_chunked(body):
    out, i, trailers = [], 0, {}
    while True:
        j = body.index(b"\r\n", i)
        n = int(body[i:j].split(b";")[0], 16)
        i = j + 2
        if n == 0:
            for line in body[i:].split(b"\r\n"):
                if b":" in line:
                    k, _, v = line.partition(b":")
                    trailers[k.decode().lower().strip()] = v.decode().strip()
            return b"".join(out), trailers
        out.append(body[i:i + n])
        i += n + 2


def checksum(c, r, o):
    hc = o.get("httpChecksum") or {}
    need = hc.get("requestChecksumRequired") or o.get("httpChecksumRequired")
    have = {k: v for k, v in r.headers.items() if k.startswith("x-amz-checksum-") and k not in
            ("x-amz-checksum-algorithm", "x-amz-checksum-mode", "x-amz-checksum-type")}
    data = r.body
    if "aws-chunked" in r.h("content-encoding", "") or r.h("x-amz-content-sha256", "").startswith("STREAMING-"):
        try:
            data, tr = aws_chunked(r.body)
            have.update({k: v for k, v in tr.items() if k.startswith("x-amz-checksum-")})
            dl = r.h("x-amz-decoded-content-length")
            if dl is not None and int(dl) != len(data):
                c.add("checksum", "x-amz-decoded-content-length", f"says {dl}, decoded {len(data)}")
        except Exception as e:
            c.add("checksum", "", f"aws-chunked body does not decode: {e}")
            return
    md5 = r.h("content-md5")
    if need and not md5 and not have and r.svc.name in ("s3", "s3control"):
        c.add("checksum", "", "operation needs Content-MD5 or x-amz-checksum-*")
    b64 = lambda b: base64.b64encode(b).decode()
    if md5 and md5 != b64(hashlib.md5(data).digest()):
        c.add("checksum", "Content-MD5", "does not match the body", md5)
    for k, v in have.items():
        alg = k[len("x-amz-checksum-"):]
        exp = {"sha256": lambda: b64(hashlib.sha256(data).digest()), "sha1": lambda: b64(hashlib.sha1(data).digest()),
               "crc32": lambda: b64(struct.pack(">I", zlib.crc32(data))),
               "md5": lambda: b64(hashlib.md5(data).digest())}.get(alg)
        if exp and r.method in ("PUT", "POST") and exp() != v and r.op not in ("CompleteMultipartUpload",):
            c.add("checksum", k, f"does not match the body, want {exp()}", v)


def sigv4(c, r, secret):
    auth = r.h("authorization", "")
    m = re.match(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request,\s*SignedHeaders=([^,]+),\s*Signature=([0-9a-f]{64})$", auth)
    if not m:
        if any(k == "X-Amz-Signature" for k, _ in r.query):
            return          # presigned: not checked
        c.add("sigv4", "authorization", "no AWS4-HMAC-SHA256 Authorization header" if not auth else "Authorization header not parsed", auth[:60])
        return
    akid, date, region, svc, sh, sig = m.groups()
    names = sh.split(";")
    if names != sorted(names):
        c.add("sigv4", "SignedHeaders", "not sorted", sh)
    for k in r.headers:
        if (k == "host" or k.startswith("x-amz-")) and k not in names and k not in ("x-amz-user-agent",):
            c.add("sigv4", k, "header is not signed", level="error" if k == "host" else "warn")
    amzdate = r.h("x-amz-date", "")
    if amzdate[:8] != date:
        c.add("sigv4", "x-amz-date", "differs from the credential scope date", amzdate)
    try:
        t = datetime.datetime.strptime(amzdate, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
        if abs((datetime.datetime.now(datetime.timezone.utc) - t).total_seconds()) > 900:
            c.add("sigv4", "x-amz-date", "more than 15 minutes off", amzdate)
    except ValueError:
        c.add("sigv4", "x-amz-date", "not ISO 8601 basic", amzdate)
    ph = r.h("x-amz-content-sha256")
    real = hashlib.sha256(r.body).hexdigest()
    if ph is None:
        ph = real
        if svc == "s3":
            c.add("sigv4", "x-amz-content-sha256", "S3 requires this header")
    elif re.fullmatch(r"[0-9a-f]{64}", ph) and ph != real:
        c.add("sigv4", "x-amz-content-sha256", "does not match the body", ph)
    p = r.target.partition("?")[0] or "/"
    if svc in ("s3", "s3express", "s3-outposts"):
        curi = quote(unquote(p), safe="/-_.~")
    else:
        segs = []
        for x in p.split("/"):
            if x in ("", "."):
                continue
            if x == "..":
                segs and segs.pop()
            else:
                segs.append(x)
        np = "/" + "/".join(segs) + ("/" if p.endswith("/") and segs else "")
        curi = quote(np, safe="/-_.~")
    cq = "&".join(sorted("%s=%s" % (quote(k, safe="-_.~"), quote(v, safe="-_.~")) for k, v in r.query))
    ch = "".join("%s:%s\n" % (n, re.sub(r" +", " ", r.headers.get(n, "").strip())) for n in names)
    creq = "\n".join([r.method, curi, cq, ch, sh, ph])
    scope = "/".join([date, region, svc, "aws4_request"])
    sts = "\n".join(["AWS4-HMAC-SHA256", amzdate, scope, hashlib.sha256(creq.encode()).hexdigest()])
    k = ("AWS4" + secret).encode()
    for part in (date, region, svc, "aws4_request"):
        k = hmac.new(k, part.encode(), hashlib.sha256).digest()
    want = hmac.new(k, sts.encode(), hashlib.sha256).hexdigest()
    if want != sig:
        c.add("sigv4", "Signature", "does not match", sig, canonical=creq[:600])


# --------------------------------------------------------------------------- errors in the service's own protocol

# (status, code, message) where the model does not carry one
THROTTLE = {
    "ec2": (503, "RequestLimitExceeded", "Request limit exceeded."),
    "s3": (503, "SlowDown", "Please reduce your request rate."),
    "s3control": (503, "SlowDown", "Please reduce your request rate."),
    "sqs": (403, "RequestThrottled", "Request is throttled."),
    "route53": (400, "Throttling", "Rate exceeded"),
    "sns": (400, "Throttling", "Rate exceeded"),
}
MODELED = ("ThrottlingException", "TooManyRequestsException", "ThrottledException", "RequestThrottledException")


def throttle_error(r):
    if r.service in THROTTLE:
        return THROTTLE[r.service]
    if r.proto in ("query",):
        return 400, "Throttling", "Rate exceeded"
    s = r.svc
    if s:
        op = s.ops.get(r.op, {})
        names = [e["shape"] for e in op.get("errors", [])]
        for n in MODELED:
            if n in names or n in s.shapes:
                e = s.shapes[n].get("error", {})
                return e.get("httpStatusCode", 429 if r.proto == "rest-json" else 400), e.get("code", n), "Rate exceeded"
    return (429 if r.proto == "rest-json" else 400), "ThrottlingException", "Rate exceeded"


def validation_error(r):
    return {"ec2": (400, "InvalidParameterValue"), "query": (400, "ValidationError"), "rest-xml": (400, "InvalidArgument")}.get(
        r.proto, (400, "ValidationException"))


def query_code(r, code):
    """awsQueryCompatible services name the old query code in x-amzn-query-error."""
    e = r.svc.shapes.get(code, {}).get("error", {})
    return e.get("code") or ("Throttling" if code == "ThrottlingException" else code)


def error_response(r, status, code, msg):
    rid = "00000000-0000-4000-8000-%012d" % (r.n % 10**12)
    h = {"x-amzn-RequestId": rid}
    esc = lambda x: x.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    fault = "Receiver" if status >= 500 else "Sender"
    meta = r.svc.meta if r.svc else {}
    if r.proto in ("json",):
        h["Content-Type"] = "application/x-amz-json-" + str(meta.get("jsonVersion", "1.0"))
        if "awsQueryCompatible" in meta:
            h["x-amzn-query-error"] = f"{query_code(r, code)};{fault}"
        b = json.dumps({"__type": code, "message": msg}).encode()
    elif r.proto == "cbor":
        h["Content-Type"], h["smithy-protocol"] = "application/cbor", "rpc-v2-cbor"
        if "awsQueryCompatible" in meta:
            h["x-amzn-query-error"] = f"{query_code(r, code)};{fault}"
        b = cbor_text_map({"__type": code, "message": msg})
    elif r.proto == "rest-json":
        h["Content-Type"], h["x-amzn-ErrorType"] = "application/json", code
        d = {"message": msg}
        if r.service == "lambda" and "TooMany" in code:
            d = {"Reason": "CallerRateLimitExceeded", "Type": "User", "message": msg}
        b = json.dumps(d).encode()
    elif r.proto == "ec2":
        h["Content-Type"] = "text/xml;charset=UTF-8"
        b = ('<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error>'
             '</Errors><RequestID>%s</RequestID></Response>' % (code, esc(msg), rid)).encode()
    elif r.service in ("s3", None):
        h["Content-Type"], h["x-amz-request-id"], h["x-amz-id-2"] = "application/xml", rid, rid
        b = ('<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>%s</Code><Message>%s</Message><RequestId>%s</RequestId>'
             '<HostId>%s</HostId></Error>' % (code, esc(msg), rid, rid)).encode()
    else:
        h["Content-Type"] = "text/xml"
        ns = meta.get("xmlNamespace", "")
        b = ('<ErrorResponse%s><Error><Type>%s</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>%s</RequestId>'
             '</ErrorResponse>' % (f' xmlns="{ns}"' if isinstance(ns, str) and ns else "", fault, code, esc(msg), rid)).encode()
    return status, h, b


# --------------------------------------------------------------------------- server

class Bucket:
    def __init__(self, rate, burst):
        self.rate, self.burst, self.t, self.last = rate, burst, burst, time.monotonic()

    def take(self):
        now = time.monotonic()
        self.t = min(self.burst, self.t + (now - self.last) * self.rate)
        self.last = now
        if self.t >= 1:
            self.t -= 1
            return True
        return False


class Nth:
    """N | N,M | every:N over the requests that match --fault-match."""

    def __init__(self, spec):
        self.every = self.set = None
        if spec:
            if str(spec).startswith("every:"):
                self.every = int(spec[6:])
            else:
                self.set = {int(x) for x in str(spec).split(",")}

    def hit(self, n):
        return bool(self.every and n % self.every == 0 or self.set and n in self.set)


REASON = {200: "OK", 204: "No Content", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 429: "Too Many Requests",
          500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout"}
HOP = {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "te", "trailer", "upgrade", "expect", "content-length"}


class Proxy:
    def __init__(self, a):
        self.a = a
        u = urlsplit(a.upstream)
        self.up = (u.hostname, u.port or 80)
        t0 = time.time()
        self.models = Models(a.index_cache)
        self.index_s = time.time() - t0
        for n in filter(None, (a.preload or "").split(",")):
            self.models.get(n)
        self.pool = []
        self.vf = open(a.violations, "a", buffering=1)
        self.lf = open(a.log, "a", buffering=1) if a.log else None
        self.n = self.fault_n = 0
        self.inflight = 0
        self.configure({})
        self.reset()

    def configure(self, kw):
        a = self.a
        for k, v in kw.items():
            if not hasattr(a, k):
                raise ValueError("no option " + k)
            cur = getattr(a, k)
            setattr(a, k, (type(cur)(v) if isinstance(cur, (int, float)) and not isinstance(cur, bool) else (v or None)))
        self.fail, self.drop = Nth(a.fail_nth), Nth(a.drop_response_nth)
        self.err = None
        if a.error_nth:
            n, st, code = (a.error_nth.rsplit(":", 2) + ["", ""])[:3]
            self.err = (Nth(n), int(st), code)
        self.match = re.compile(a.fault_match or "")
        self.rps, self.buckets = {}, {}
        if a.rps:
            for part in str(a.rps).split(","):
                k, _, v = part.rpartition("=")
                self.rps[k or "*"] = float(v)
        if kw:
            self.fault_n = 0

    def reset(self):
        self.st = {"calls": collections.Counter(), "violations": collections.Counter(), "violations_by_kind": collections.Counter(),
                   "violations_by_op": collections.Counter(), "violations_by_level": collections.Counter(), "status": collections.Counter(), "faults": collections.Counter(),
                   "protocols": collections.Counter(), "clients": collections.Counter(), "retries": collections.Counter(),
                   "throttled": collections.Counter(), "connections": 0, "requests": 0, "max_inflight": 0, "bytes_in": 0, "bytes_out": 0,
                   "validate_ms": 0.0, "upstream_ms": 0.0, "started": time.time(), "first": None, "last": None}
        self.recent = collections.deque(maxlen=500)
        self.fault_n = 0

    def stats(self):
        s = self.st
        o = {"requests": s["requests"], "calls": dict(sorted(s["calls"].items())),
             "by_service": dict(collections.Counter({}))}
        bs = collections.Counter()
        rw = collections.Counter()
        for k, v in s["calls"].items():
            svc, _, op = k.partition(":")
            bs[svc] += v
            rw["read" if re.match(r"(Get|List|Describe|Head|BatchGet|Search|Simulate)", op) else "write"] += v
        o["by_service"], o["by_class"] = dict(bs), dict(rw)
        for k in ("violations_by_level", "violations_by_kind", "violations_by_op", "status", "faults", "throttled", "retries", "protocols", "clients"):
            o[k] = dict(s[k])
        for k in ("connections", "max_inflight", "bytes_in", "bytes_out"):
            o[k] = s[k]
        o["validate_ms"], o["upstream_ms"] = round(s["validate_ms"], 1), round(s["upstream_ms"], 1)
        o["wall_s"] = round(s["last"] - s["first"], 3) if s["last"] else 0
        o["models_loaded"] = sorted(self.models.loaded)
        return o

    def dump(self):
        if self.a.stats:
            tmp = self.a.stats + ".tmp"
            with open(tmp, "w") as f:
                json.dump(self.stats(), f, indent=1)
                f.write("\n")
            os.replace(tmp, self.a.stats)

    # ---- HTTP plumbing
    async def read_head(self, rd):
        try:
            raw = await rd.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as e:
            if e.partial.strip():
                raise
            return None
        lines = raw.decode("latin-1").split("\r\n")
        hs = []
        for ln in lines[1:]:
            if ln:
                k, _, v = ln.partition(":")
                hs.append((k.strip(), v.strip()))
        return lines[0], hs

    async def read_body(self, rd, hd, response=False, no_body=False):
        if no_body:
            return b""
        if "chunked" in hd.get("transfer-encoding", "").lower():
            out = []
            while True:
                ln = await rd.readline()
                n = int(ln.split(b";")[0].strip() or b"0", 16)
                if n == 0:
                    while (await rd.readline()).strip():
                        pass
                    return b"".join(out)
                out.append(await rd.readexactly(n))
                await rd.readline()
        if "content-length" in hd:
            n = int(hd["content-length"])
            return await rd.readexactly(n) if n else b""
        return await rd.read() if response else b""

    def fold(self, hs):
        d = {}
        for k, v in hs:
            k = k.lower()
            d[k] = d[k] + "," + v if k in d else v
        return d

    async def forward(self, r):
        head = [f"{r.method} {r.target} HTTP/1.1"]
        for k, v in r.raw_headers:
            if k.lower() not in HOP:
                head.append(f"{k}: {v}")
        if r.body or r.method in ("PUT", "POST", "PATCH") or "content-length" in r.headers:
            head.append(f"Content-Length: {len(r.body)}")
        head.append("Connection: keep-alive")
        data = ("\r\n".join(head) + "\r\n\r\n").encode("latin-1") + r.body
        for attempt in (0, 1):
            reused = bool(self.pool) and attempt == 0
            if reused:
                rd, wr = self.pool.pop()
                if rd.at_eof():
                    wr.close()
                    continue
            else:
                rd, wr = await asyncio.open_connection(*self.up, limit=1 << 20)
            try:
                wr.write(data)
                await wr.drain()
                while True:
                    h = await self.read_head(rd)
                    if h is None:
                        raise ConnectionError("upstream closed without a response")
                    status = int(h[0].split()[1])
                    if status >= 200:
                        break
                hd = self.fold(h[1])
                body = await self.read_body(rd, hd, True, r.method == "HEAD" or status in (204, 304))
                ka = h[0].startswith("HTTP/1.1") and "close" not in hd.get("connection", "").lower() and \
                    ("content-length" in hd or "chunked" in hd.get("transfer-encoding", "") or r.method == "HEAD")
                if ka and len(self.pool) < 64:
                    self.pool.append((rd, wr))
                else:
                    wr.close()
                return status, h[1], body, h[0].split(" ", 2)[2] if h[0].count(" ") > 1 else ""
            except (ConnectionError, asyncio.IncompleteReadError):
                wr.close()
                if not reused:
                    raise

    async def bridge(self, r):
        """rpc-v2-cbor client <-> awsJson upstream (for an upstream without it; the sandbox needs none)."""
        s, o = r.svc, r.svc.ops[r.op]
        j = Req()
        j.method, j.target = "POST", "/"
        j.raw_headers = [(k, v) for k, v in r.raw_headers if k.lower() not in ("smithy-protocol", "content-type", "accept", "x-amz-target")]
        j.raw_headers += [("Content-Type", "application/x-amz-json-" + str(s.meta.get("jsonVersion", "1.0"))),
                          ("X-Amz-Target", s.meta["targetPrefix"] + "." + r.op)]
        v = cbor_decode(r.body) if r.body else {}
        j.body = json.dumps(convert(s, o["input"], v, False) if o.get("input") else {}).encode()
        j.headers = self.fold(j.raw_headers)
        status, hs, body, reason = await self.forward(j)
        hs = [(k, v) for k, v in hs if k.lower() not in ("content-type", "smithy-protocol")]
        hs += [("Content-Type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor")]
        try:
            v = json.loads(body or b"{}")
        except ValueError:
            v = {"__type": "InternalFailure", "message": body[:200].decode("utf-8", "replace")}
        if status < 300:
            v = convert(s, o["output"], v, True) if o.get("output") else {}
        else:
            v = {"__type": str(v.get("__type", "InternalFailure")), "message": str(v.get("message") or v.get("Message") or "")}
        return status, hs, cbor_encode(v), reason

    def cut(self, wr):
        if self.a.cut == "rst":
            s = wr.get_extra_info("socket")
            try:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            except OSError:
                pass
        wr.transport.abort()

    async def send(self, wr, status, headers, body, close, head_only=False, reason=None):
        out = [f"HTTP/1.1 {status} {reason or REASON.get(status, 'X')}"]
        seen = set()
        for k, v in headers:
            lk = k.lower()
            if lk in ("connection", "keep-alive", "transfer-encoding") or lk == "content-length" and not head_only:
                continue
            seen.add(lk)
            out.append(f"{k}: {v}")
        if not head_only and status not in (204, 304):
            out.append(f"Content-Length: {len(body)}")
        elif head_only and "content-length" not in seen:
            out.append("Content-Length: 0")
        out.append("Connection: " + ("close" if close else "keep-alive"))
        wr.write(("\r\n".join(out) + "\r\n\r\n").encode("latin-1") + (b"" if head_only or status in (204, 304) else body))
        self.st["bytes_out"] += len(body)
        await wr.drain()

    async def control(self, wr, path, query, close):
        out, st = b"", 200
        if path == "/__stats":
            out = json.dumps(self.stats(), indent=1).encode()
        elif path == "/__reset":
            out = json.dumps(self.stats()).encode()
            self.reset()
        elif path == "/__violations":
            out = json.dumps(list(self.recent), indent=1).encode()
        elif path == "/__config":
            try:
                self.configure(dict(query))
                out = json.dumps({k: v for k, v in vars(self.a).items()}, default=str).encode()
            except Exception as e:
                st, out = 400, str(e).encode()
        else:
            st = 404
        await self.send(wr, st, [("Content-Type", "application/json")], out + b"\n", close)

    async def client(self, rd, wr):
        self.st["connections"] += 1
        try:
            while True:
                h = await self.read_head(rd)
                if h is None:
                    break
                line, hs = h
                method, target, ver = line.split(" ", 2)
                hd = self.fold(hs)
                if hd.get("expect", "").lower() == "100-continue":
                    wr.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                    await wr.drain()
                body = await self.read_body(rd, hd)
                close = ver == "HTTP/1.0" or "close" in hd.get("connection", "").lower()
                if target.startswith("http://") or target.startswith("https://"):
                    u = urlsplit(target)
                    target = (u.path or "/") + ("?" + u.query if u.query else "")
                path, _, qs = target.partition("?")
                query = parse_qsl(qs.replace("+", "%2B"), keep_blank_values=True) if qs else []
                if path.startswith("/__"):
                    await self.control(wr, path, query, close)
                    if close:
                        break
                    continue
                r = Req()
                r.method, r.target, r.path, r.query, r.headers, r.raw_headers, r.body = method, target, path, query, hd, hs, body
                r.host, r.version = hd.get("host"), ver
                if not await self.handle(r, wr, close) or close:
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        except Exception as e:
            print("proxy error:", repr(e), file=sys.stderr)
        finally:
            try:
                wr.close()
            except Exception:
                pass

    async def handle(self, r, wr, close):
        st = self.st
        self.n += 1
        r.n = self.n
        st["requests"] += 1
        st["bytes_in"] += len(r.body)
        t0 = time.time()
        st["first"] = st["first"] or t0
        self.inflight += 1
        st["max_inflight"] = max(st["max_inflight"], self.inflight)
        fate = ""
        status = None
        p0 = time.perf_counter()
        try:
            vs = identify(self.models, r, self.a.s3_domains)
            vs += check_request(r, self.a.secret_key) if r.svc else []
        except Exception as e:
            vs = [{"kind": "proxy-bug", "level": "error", "path": "", "detail": repr(e)}]
            print("validate error:", r.method, r.target, repr(e), file=sys.stderr)
        dt = (time.perf_counter() - p0) * 1000
        st["validate_ms"] += dt
        key = f"{r.service or r.sign or '?'}:{r.op or '?'}"
        st["calls"][key] += 1
        st["protocols"][r.proto or "?"] += 1
        ua = r.h("user-agent", "?")
        st["clients"][(re.search(r"(dwctl|terraform-provider-aws|Boto3|aws-cli|aws-sdk-rust|aws-sdk-go)[^ ]*", ua) or [ua[:30]])[0]] += 1
        am = re.search(r"attempt=(\d+)", r.h("amz-sdk-request", ""))
        if am and int(am[1]) > 1:
            st["retries"][key] += 1
        for v in vs:
            rec = {"ts": round(t0, 3), "n": r.n, "service": r.service, "operation": r.op, "protocol": r.proto, **v}
            self.recent.append(rec)
            self.vf.write(json.dumps(rec, default=str) + "\n")
            st["violations_by_kind"][v["kind"]] += 1
            st["violations_by_level"][v["level"]] += 1
            st["violations_by_op"][key] += 1
        up = 0.0
        try:
            if self.a.latency_ms:
                await asyncio.sleep(self.a.latency_ms / 1000)
            rate = self.rps.get(r.service or "?", self.rps.get("*"))
            if rate:
                b = self.buckets.get(r.service)
                if b is None:
                    b = self.buckets[r.service] = Bucket(rate, self.a.burst or max(1.0, rate))
                if not b.take():
                    fate = "throttled"
                    st["throttled"][key] += 1
                    status, h, body = error_response(r, *throttle_error(r))
                    await self.send(wr, status, list(h.items()), body, close, r.method == "HEAD")
                    return True
            errs = [v for v in vs if v["level"] == "error"]
            if self.a.enforce and errs:
                fate = "rejected"
                st["faults"]["rejected"] += 1
                code = validation_error(r)
                status, h, body = error_response(r, *code, "%s: %s" % (errs[0]["path"], errs[0]["detail"]))
                await self.send(wr, status, list(h.items()), body, close, r.method == "HEAD")
                return True
            fn = 0
            if (self.fail.every or self.fail.set or self.drop.every or self.drop.set or self.err) and self.match.search(key):
                self.fault_n += 1
                fn = self.fault_n
            if fn and self.fail.hit(fn):
                fate = "killed-before"
                st["faults"]["killed-before:" + key] += 1
                self.cut(wr)
                return False
            if fn and self.err and self.err[0].hit(fn):
                fate = "error"
                st["faults"]["error:" + key] += 1
                status, h, body = error_response(r, self.err[1], self.err[2], "injected by aws_check_proxy")
                await self.send(wr, status, list(h.items()), body, close, r.method == "HEAD")
                return True
            u0 = time.perf_counter()
            try:
                if r.proto == "cbor" and self.a.cbor_bridge and "json" in r.svc.protocols and r.op in r.svc.ops:
                    st["faults"]["cbor-bridged"] += 1
                    status, hs, body, reason = await self.bridge(r)
                else:
                    status, hs, body, reason = await self.forward(r)
            except (OSError, ConnectionError, asyncio.IncompleteReadError) as e:
                fate = "upstream-error"
                st["faults"]["upstream-error"] += 1
                await self.send(wr, 502, [("Content-Type", "text/plain")], repr(e).encode(), close)
                status = 502
                return True
            up = (time.perf_counter() - u0) * 1000
            st["upstream_ms"] += up
            if fn and self.drop.hit(fn):
                fate = "dropped-after"
                st["faults"]["dropped-after:" + key] += 1
                self.cut(wr)
                return False
            await self.send(wr, status, hs, body, close, r.method == "HEAD", reason)
            return True
        finally:
            self.inflight -= 1
            st["last"] = time.time()
            st["status"][str(status)] += 1
            if self.lf:
                rec = {"n": r.n, "t": round(t0, 4), "ms": round((time.time() - t0) * 1000, 2), "up_ms": round(up, 2), "val_ms": round(dt, 2), "op": key,
                       "proto": r.proto, "method": r.method, "target": r.target[:300], "status": status, "in": len(r.body), "viol": len(vs)}
                if fate:
                    rec["fate"] = fate
                if self.a.log_bodies:
                    rec["body"] = r.body[:4000].decode("utf-8", "replace")
                self.lf.write(json.dumps(rec) + "\n")


async def amain(a):
    p = Proxy(a)
    srv = await asyncio.start_server(p.client, a.host, a.port, limit=1 << 20, backlog=512)
    port = srv.sockets[0].getsockname()[1]
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for s in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(s, stop.set)
    if a.leash:
        loop.add_reader(sys.stdin.fileno(), lambda: os.read(sys.stdin.fileno(), 4096) or stop.set())
    if a.ready:
        with open(a.ready + ".part", "w") as f:
            f.write(str(port))
        os.replace(a.ready + ".part", a.ready)
    print(f"aws_check_proxy on http://{a.host}:{port} -> {a.upstream} (index {p.index_s:.2f}s, {len(p.models.idx)} services)", file=sys.stderr, flush=True)
    await stop.wait()
    srv.close()
    p.dump()
    if a.leash:
        shutil.rmtree(a.leash, ignore_errors=True)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--host", default="127.0.0.1")
    ap.add_argument("--port", type=int, default=5932, help="0 takes a free one")
    ap.add_argument("--ready", help="file to write the port to, once requests are answered")
    ap.add_argument("--leash", metavar="FOLDER", help="end with stdin, then remove this folder: nothing is left of a test that was killed")
    ap.add_argument("--upstream", default="http://127.0.0.1:5931")
    ap.add_argument("--violations", default="violations.jsonl")
    ap.add_argument("--stats", default="stats.json")
    ap.add_argument("--log")
    ap.add_argument("--log-bodies", action="store_true")
    ap.add_argument("--latency-ms", type=float, default=0.0)
    ap.add_argument("--rps")
    ap.add_argument("--burst", type=float, default=0.0)
    ap.add_argument("--fail-nth")
    ap.add_argument("--drop-response-nth")
    ap.add_argument("--error-nth", help="NTH:STATUS:CODE")
    ap.add_argument("--fault-match", help="regex on service:Operation; only these requests are counted for the fault options")
    ap.add_argument("--cut", choices=("rst", "fin"), default="rst")
    ap.add_argument("--enforce", action="store_true", help="answer level=error violations with the service's validation error")
    ap.add_argument("--secret-key", help="verify SigV4 signatures with this secret")
    ap.add_argument("--s3-domains", type=lambda s: s.split(","), default=["s3.amazonaws.com", "s3.us-east-1.amazonaws.com", "s3.localhost", "localhost", "127.0.0.1"])
    ap.add_argument("--no-cbor-bridge", dest="cbor_bridge", action="store_false", help="forward rpc-v2-cbor as it is instead of as awsJson")
    ap.add_argument("--preload", help="comma separated botocore service names")
    ap.add_argument("--index-cache", default=os.path.join(tempfile.gettempdir(), "aws_check_proxy_index.json"))
    asyncio.run(amain(ap.parse_args()))


if __name__ == "__main__":
    main()
