-- What wrk sends: `wrk -s calls.lua URL -- DATA CALL RUN`. DATA is a Lua file of lists, CALL one of
-- the names below, RUN a number that no other run has: keys are used once.

local threads = {}

function setup(thread)
  table.insert(threads, thread)
  thread:set("number", #threads)
end

local function any(list) return list[math.random(#list)] end

local function headers(token) return { ["Authorization"] = "Token " .. token } end

local function send(path, token, body, keyed)
  local head = headers(token)
  head["Content-Type"] = "application/json"
  if keyed then
    sent = sent + 1
    head["Idempotency-Key"] = run .. "-" .. number .. "-" .. sent
  end
  return wrk.format("POST", path, head, body)
end

local function charge(company, name, payer)
  local body = '{"' .. name .. '": "' .. payer .. '", "amount": "0.01", "summary": "Order 1017"}'
  return send("/wallet/charge", company.token, body, true)
end

local calls = {
  charge = function() return charge(any(data.companies), "wallet", any(data.payers)) end,
  hot = function() return charge(data.companies[1], "wallet", any(data.payers)) end,
  paytoken = function() return charge(any(data.companies), "paytoken", any(data.paytokens)) end,
  request = function()
    -- Each once: wrk has two threads, and each takes every second one.
    local path = "/payment-requests/" .. data.requests[2 * sent + number] .. "/pay"
    local client = any(data.clients)
    return send(path, client.token, '{"wallet": "' .. client.wallet .. '"}', true)
  end,
  hold = function()
    local body = '{"wallet": "' .. any(data.payers) .. '", "amount": "0.01", "summary": "Order 1017"}'
    return send("/holds", any(data.companies).token, body, true)
  end,
  capture = function()
    -- Each once, as requests are.
    local hold = data.holds[2 * sent + number]
    return send("/holds/" .. hold.id .. "/capture", hold.token, "{}", true)
  end,
  split = function()
    local body = '{"wallet": "' .. any(data.payers) .. '", "amount": "1.00", "summary": "Order 1017", '
      .. '"splits": [{"wallet": "' .. any(data.clients).wallet .. '", "amount": "0.40"}]}'
    return send("/wallet/charge", any(data.companies).token, body, true)
  end,
  deposit = function()
    local client = any(data.clients)
    local body = '{"wallet": "' .. client.wallet .. '", "amount": "0.01"}'
    return send("/wallet/deposit", client.token, body, true)
  end,
  info = function()
    local client = any(data.clients)
    return wrk.format("GET", "/wallet/info/" .. client.wallet, headers(client.token))
  end,
  page = function()
    local page = any(data.pages)
    return wrk.format("GET", page.path, headers(page.token))
  end,
  bare = function()
    return wrk.format("GET", "/accounts/" .. any(data.payers), headers(any(data.companies).token))
  end,
  orm = function()
    local company = any(data.companies)
    local body = '{"payer": "' .. any(data.payers) .. '", "payee": "' .. company.wallet
      .. '", "amount": "0.01", "summary": "Order 1017"}'
    return send("/transfers", company.token, body, false)
  end,
}

function init(arguments)
  dofile(arguments[1])
  make = calls[arguments[2]]
  run = arguments[3]
  sent, refused, broken = 0, 0, 0
  math.randomseed(tonumber(run) + number)
end

function request() return make() end

function response(status)
  if status >= 500 then broken = broken + 1 elseif status >= 400 then refused = refused + 1 end
end

function done(summary, latency)
  local refused, broken = 0, 0
  for _, thread in ipairs(threads) do
    refused = refused + thread:get("refused")
    broken = broken + thread:get("broken")
  end
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f, "refused": %d, "broken": %d,'
      .. ' "cut_off": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, refused, broken,
    errors.connect + errors.read + errors.write + errors.timeout))
end
