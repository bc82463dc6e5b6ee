# Fastly's side of Segue: the custom VCL ("main") of the service in front of the audio bucket.
#
# Tokens, as shared/delivery/signing/fastly.py makes them:
#
#   ?token=<expires>_<digest>&prefix=<prefix>
#
#   expires  epoch seconds
#   digest   HMAC-SHA256 of <prefix><expires>, 64 hexadecimal digits
#   prefix   the path under which everything is opened, `/audio/.../`
#
# 403 when it is wrong, 410 when it has expired.
#
# Before it is activated (infra/edge/README.md says where the values are):
#   private dictionary `segue_keys`    current, previous: the signing keys, base64 of their 32 bytes
#   private dictionary `segue_origin`  access_id, secret: the HMAC key; bucket: its full name
#   host `origin`                      <bucket>.storage.googleapis.com, TLS, with a shield

sub segue_check_token {
  declare local var.token STRING;
  declare local var.prefix STRING;
  declare local var.path STRING;
  declare local var.expires STRING;
  declare local var.digest STRING;
  declare local var.current STRING;
  declare local var.previous STRING;

  # Without a key nothing is right, not even a digest that was made without one.
  if (!table.contains(segue_keys, "current")) {
    error 503 "No signing key";
  }
  set var.current = table.lookup(segue_keys, "current");
  set var.previous = table.lookup(segue_keys, "previous", var.current);

  set var.token = urldecode(querystring.get(req.url, "token"));
  set var.prefix = urldecode(querystring.get(req.url, "prefix"));
  set var.path = urldecode(req.url.path);
  if (!(var.token ~ "^([0-9]{10,11})_([0-9a-f]{64})$")) {
    error 403 "No token";
  }
  set var.expires = re.group.1;
  set var.digest = "0x" + re.group.2;
  if (!(var.prefix ~ "^/.+/$")) {
    error 403 "No prefix";
  }
  if (!digest.secure_is_equal(var.digest, digest.hmac_sha256_with_base64_key(var.current, var.prefix + var.expires)) && !digest.secure_is_equal(var.digest, digest.hmac_sha256_with_base64_key(var.previous, var.prefix + var.expires))) {
    error 403 "Wrong signature";
  }
  if (var.path ~ "/[.][.]?(/|$)") {
    error 403 "Not a plain path";
  }
  if (!std.prefixof(var.path, var.prefix)) {
    error 403 "Outside the signed prefix";
  }
  if (time.is_after(now, std.integer2time(std.atoi(var.expires)))) {
    error 410 "Expired";
  }
}

# AWS signature version 4, which Cloud Storage's XML API takes with an HMAC key.
sub segue_sign_origin_request {
  declare local var.date STRING;
  declare local var.scope STRING;
  declare local var.headers STRING;
  declare local var.request STRING;
  declare local var.signed STRING;

  set bereq.url = regsub(bereq.url.path, "^/[^/]+", "");
  set bereq.http.host = table.lookup(segue_origin, "bucket") + ".storage.googleapis.com";
  set bereq.http.x-amz-content-sha256 = "UNSIGNED-PAYLOAD";
  set bereq.http.x-amz-date = strftime({"%Y%m%dT%H%M%SZ"}, now);
  set var.date = strftime({"%Y%m%d"}, now);
  set var.scope = var.date + "/auto/s3/aws4_request";
  set var.headers = "host;x-amz-content-sha256;x-amz-date";
  set var.request = "GET" + LF + bereq.url + LF + LF + "host:" + bereq.http.host + LF + "x-amz-content-sha256:" + bereq.http.x-amz-content-sha256 + LF + "x-amz-date:" + bereq.http.x-amz-date + LF + LF + var.headers + LF + bereq.http.x-amz-content-sha256;
  set var.signed = "AWS4-HMAC-SHA256" + LF + bereq.http.x-amz-date + LF + var.scope + LF + regsub(digest.hash_sha256(var.request), "^0x", "");
  set bereq.http.authorization = "AWS4-HMAC-SHA256 Credential=" + table.lookup(segue_origin, "access_id") + "/" + var.scope + ", SignedHeaders=" + var.headers + ", Signature=" + regsub(digest.awsv4_hmac(table.lookup(segue_origin, "secret"), var.date, "auto", "s3", var.signed), "^0x", "");
}

sub vcl_recv {
  #FASTLY recv

  if (req.method == "OPTIONS") {
    error 620 "Preflight";
  }
  if (req.method != "GET" && req.method != "HEAD") {
    error 405 "Only GET and HEAD";
  }
  # A shield is asked by an edge that has checked the token and taken it off.
  if (fastly.ff.visits_this_service == 0) {
    call segue_check_token;
  }
  # Whoever has a valid token shares the copy.
  set req.url = req.url.path;
  unset req.http.cookie;
  unset req.http.authorization;
  return(lookup);
}

sub vcl_miss {
  #FASTLY miss
  if (req.backend.is_origin) {
    call segue_sign_origin_request;
  }
  return(fetch);
}

sub vcl_fetch {
  #FASTLY fetch
  unset beresp.http.set-cookie;
  # Cloud Storage says `private` of private objects.
  set beresp.http.cache-control = "no-store";
  if (beresp.status == 200 && req.url.path ~ "^/[^/]+/health/") {
    set beresp.ttl = 60s;
  } else if (beresp.status == 200) {
    set beresp.ttl = 31536000s;
    set beresp.http.cache-control = "public, max-age=31536000, immutable";
  } else if (beresp.status == 404) {
    set beresp.ttl = 10s;
  } else {
    set beresp.ttl = 0s;
  }
  return(deliver);
}

sub vcl_deliver {
  #FASTLY deliver
  call segue_headers;
  return(deliver);
}

sub vcl_error {
  #FASTLY error
  if (obj.status == 620) {
    set obj.status = 204;
    set obj.response = "No Content";
  }
  set obj.http.cache-control = "no-store";
  return(deliver);
}

sub segue_headers {
  set resp.http.access-control-allow-origin = "*";
  set resp.http.access-control-allow-methods = "GET, HEAD, OPTIONS";
  set resp.http.access-control-allow-headers = "Range, If-Range, If-None-Match";
  set resp.http.access-control-expose-headers = "Accept-Ranges, Age, Content-Length, Content-Range, Content-Type, Date, ETag, Retry-After, X-Cache";
  set resp.http.access-control-max-age = "86400";
  set resp.http.timing-allow-origin = "*";
  set resp.http.strict-transport-security = "max-age=31536000";
}
