-- What a script may see, and how it is run. This chunk is the only one that sees all of Lua; it answers the functions by
-- which Python compiles and calls scripts (see runtime.py).
--
-- What must stay true:
-- - A script gets no Python object: what Python gives is called by closures here, and stands in their locals alone.
-- - Python is handed nothing but strings, numbers and booleans, and raises nothing: it answers what went wrong.
-- - What all scripts share cannot be changed: they see each such table through an empty one, a view.
-- - All code runs under the hook that ends scripts, coroutines included.

local call_redis, gather_words, call_gathered, take_reply, set_protocol, is_permitted, write_log, hash, tick, emit,
  without_tail_calls, is_for_functions, version, number, libraries, contents = ...

local error, ipairs, next, pairs, pcall, rawget, rawset, select, setmetatable, tonumber, tostring, type, unpack, xpcall =
  error, ipairs, next, pairs, pcall, rawget, rawset, select, setmetatable, tonumber, tostring, type, unpack, xpcall
local getmetatable, load_text, collectgarbage = getmetatable, loadstring, collectgarbage
local byte, dump, find, format, sub = string.byte, string.dump, string.find, string.format, string.sub
local concat, floor = table.concat, math.floor
local co_create, co_resume = coroutine.create, coroutine.resume
local getinfo, sethook, setfenv = debug.getinfo, debug.sethook, setfenv

local HOOK_COUNT = 10000 -- instructions between two looks at the clock, about 0.1 ms
local CHUNK = 200 -- how many values are handed to Python at once
local MAX_DEPTH = 200 -- of a reply
local READONLY = "Attempt to modify a readonly table"
local NO_MEMORY = "not enough memory"
local NO_WORDS = "ERR Lua redis lib command arguments must be strings or integers"

-- Kinds of what Python and Lua tell each other, as in runtime.py
local STATUS, ERROR, LIST, REPLY, NOTHING = 1, 2, 3, 4, 5
local ARRAY, MAP, SET, DOUBLE, BIG_NUMBER, VERBATIM, TRUE, FALSE, NULL, EMITTED, FAILED =
  6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16

-- Views: empty tables that show another one. `contents` has what each shows, for the library `table` to know them, too.

local function refuse()
  error(READONLY, 2)
end

local function view(content)
  local made = setmetatable({}, { __index = content, __newindex = refuse })
  contents[made] = content
  return made
end

local function nonexistent(_, name)
  error("Script attempted to access nonexistent global variable '" .. tostring(name) .. "'", 2)
end

-- The hook

local KILLED = "Script killed by user with SCRIPT KILL..."
local is_killed = false

local function hook()
  if is_killed or tick() then
    is_killed = true
    sethook(hook, "l") -- again at each line, whatever catches the error
    if getinfo(2, "S").short_src ~= "respstore" then -- our own code goes on, to tell what has happened
      error(KILLED, 0)
    end
  end
end

-- Lua's own functions, as scripts see them

local globals -- what scripts see of all this

local base = {}
for _, name in
  ipairs({ "assert", "error", "gcinfo", "ipairs", "rawequal", "select", "tonumber", "tostring", "type" })
do
  base[name] = _G[name]
end
base._VERSION = _VERSION

-- How garbage is collected is not for a script to say.
function base.collectgarbage(what, ...)
  if what == nil or what == "collect" or what == "count" then
    return collectgarbage(what, ...)
  end
  return 0
end

function base.next(t, key)
  return next(contents[t] or t, key)
end

function base.pairs(t)
  if contents[t] then
    return base.next, t, nil
  end
  return pairs(t)
end

function base.rawget(t, key)
  return rawget(contents[t] or t, key)
end

function base.rawset(t, key, value)
  if contents[t] then
    error(READONLY, 0)
  end
  return rawset(t, key, value)
end

function base.setmetatable(t, metatable)
  if contents[t] then
    error(READONLY, 0)
  end
  return setmetatable(t, metatable)
end

local function caught(ok, problem, ...)
  if not ok and type(problem) == "table" then
    local text = rawget(problem, "err")
    if type(text) == "string" or type(text) == "number" then
      return false, text
    end
  end
  return ok, problem, ...
end

function base.pcall(...)
  return caught(pcall(...))
end

-- What handles an error runs where it was raised: within the hook, which would not be called again, if that has ended the
-- script.
function base.xpcall(...)
  local f, handle = ...
  if select("#", ...) < 2 then
    error("bad argument #2 to 'xpcall' (value expected)", 2)
  end
  return xpcall(f, function(problem)
    if is_killed then
      return problem
    end
    return handle(problem)
  end)
end

function base.loadstring(text, name)
  if type(text) == "string" and byte(text) == 27 then -- bytecode can do anything: it is read as if it were text
    text, name = " " .. text, name or text
  end
  local compiled, problem = load_text(text, name)
  if compiled then
    return setfenv(compiled, globals)
  end
  return nil, problem
end

function base.load(read, name)
  local pieces = {}
  while true do
    local piece = read()
    if piece == nil or piece == "" then
      break
    elseif type(piece) ~= "string" and type(piece) ~= "number" then
      return nil, "reader function must return a string"
    end
    pieces[#pieces + 1] = piece
  end
  return base.loadstring(concat(pieces), name or "=(load)")
end

-- A coroutine has a hook of its own, and a count of the C calls that it nests; so few may resume each other.
local coroutines = {}
for name, value in pairs(coroutine) do
  coroutines[name] = value
end
local MOST_NESTED = 16
local nested = 0

local function start(name, f)
  local info = type(f) == "function" and getinfo(f, "S")
  if not info or info.what == "C" or info.short_src == "respstore" then
    error("bad argument #1 to '" .. name .. "' (Lua function expected)", 3)
  end
  local thread = co_create(f)
  sethook(thread, hook, "", HOOK_COUNT)
  return thread
end

function coroutines.create(f)
  local thread = start("create", f)
  return thread
end

local function came_back(...)
  nested = nested - 1
  return ...
end

function coroutines.resume(thread, ...)
  if type(thread) ~= "thread" then
    error("bad argument #1 to 'resume' (coroutine expected)", 2)
  elseif nested >= MOST_NESTED then
    return false, "C stack overflow"
  end
  nested = nested + 1
  return came_back(co_resume(thread, ...))
end

local function resumed(ok, ...)
  if ok then
    return ...
  end
  local problem = ...
  error(problem, type(problem) == "string" and 3 or 0)
end

function coroutines.wrap(f)
  local thread = start("wrap", f)
  return function(...)
    return resumed(coroutines.resume(thread, ...))
  end
end

-- The generator of drand48, from its usual start. A double holds 53 bits, so the state of 48 is kept in two halves.
local random_high, random_low = 0x1234AB, 0xCD330E

local function seed(number)
  number = number % 4294967296
  random_high = floor(number / 256)
  random_low = (number % 256) * 65536 + 0x330E
end

local function draw()
  local low = random_low * 0xECE66D + 0xB -- the factor is 0x5DEECE66D
  local carried = floor(low / 16777216)
  random_high = (random_high * 0xECE66D + random_low * 0x5DE + carried) % 16777216
  random_low = low % 16777216
  return random_high * 128 + floor(random_low / 131072)
end

local mathematics = {}
for name, value in pairs(math) do
  mathematics[name] = value
end

function mathematics.random(...)
  local fraction = (draw() % 2147483647) / 2147483647
  local count = select("#", ...)
  local lower, upper = ...
  if count == 0 then
    return fraction
  elseif count == 1 then
    lower, upper = 1, lower
  elseif count > 2 then
    error("wrong number of arguments", 2)
  end
  lower, upper = tonumber(lower), tonumber(upper)
  if not lower or not upper then
    error("bad argument #" .. (lower and count or 1) .. " to 'random' (number expected)", 2)
  elseif lower > upper then
    error("bad argument #" .. count .. " to 'random' (interval is empty)", 2)
  end
  return floor(fraction * (upper - lower + 1)) + lower
end

function mathematics.randomseed(number)
  seed(tonumber(number) or error("bad argument #1 to 'randomseed' (number expected)", 2))
end

-- Replies of commands

local parse

local function parse_items(text, position, count)
  local items, item = {}, nil
  for i = 1, count do
    item, position = parse(text, position)
    items[i] = item
  end
  return items, position
end

-- Of the encoding of a reply from `position` on: the value, and the position behind it.
function parse(text, position)
  local stop = find(text, "\r\n", position, true)
  local kind, head, rest = byte(text, position), sub(text, position + 1, stop - 1), stop + 2
  if kind == 36 then -- $
    local length = tonumber(head)
    if length < 0 then
      return false, rest
    end
    return sub(text, rest, rest + length - 1), rest + length + 2
  elseif kind == 58 then -- :
    return tonumber(head), rest
  elseif kind == 42 or kind == 62 then -- * >
    local count = tonumber(head)
    if count < 0 then
      return false, rest
    end
    return parse_items(text, rest, count)
  elseif kind == 43 then -- +
    return { ok = head }, rest
  elseif kind == 45 then -- -
    return { err = head }, rest
  elseif kind == 95 then -- _
    return nil, rest
  elseif kind == 35 then -- #
    return head == "t", rest
  elseif kind == 44 then -- ,
    return { double = tonumber(head) }, rest
  elseif kind == 40 then -- (
    return { big_number = head }, rest
  elseif kind == 61 then -- =
    local length = tonumber(head)
    local value = { format = sub(text, rest, rest + 2), string = sub(text, rest + 4, rest + length - 1) }
    return { verbatim_string = value }, rest + length + 2
  elseif kind == 37 then -- %
    local map, key, value = {}, nil, nil
    for _ = 1, tonumber(head) do
      key, rest = parse(text, rest)
      value, rest = parse(text, rest)
      map[key] = value
    end
    return { map = map }, rest
  elseif kind == 126 then -- ~
    local set, member = {}, nil
    for _ = 1, tonumber(head) do
      member, rest = parse(text, rest)
      set[member] = true
    end
    return { set = set }, rest
  elseif kind == 124 then -- |, what is said about the value behind it
    for _ = 1, 2 * tonumber(head) do
      _, rest = parse(text, rest)
    end
    return parse(text, rest)
  end
end

local function complain(raises, text)
  local problem = { err = text }
  if raises then
    error(problem, 0)
  end
  return problem
end

-- A reply that is neither a string nor an integer, OK or null.
local function taken(raises, kind, ...)
  if kind == LIST then
    return { ... }
  elseif kind == REPLY then
    return (parse(..., 1))
  elseif kind == ERROR then
    return complain(raises, (...))
  elseif kind == NOTHING then
    return nil
  end
  error(NO_MEMORY, 0)
end

-- What is no string as a word of a command: a number as C prints it with 17 digits; nil if it is none.
local function as_word(value)
  if type(value) ~= "number" then
    return nil
  elseif value % 1 == 0 and value > -1e15 and value < 1e15 and (value ~= 0 or 1 / value > 0) then
    return format("%d", value) -- the same, and faster
  end
  return format("%.17g", value)
end

-- The words of a command; nil if one can be none.
local function words_of(...)
  local words = { ... }
  for i = 1, select("#", ...) do
    if type(words[i]) ~= "string" then
      words[i] = as_word(words[i])
      if not words[i] then
        return nil
      end
    end
  end
  return words
end

local function call_by(words)
  local count = #words
  if count <= CHUNK then
    return call_redis(unpack(words, 1, count))
  end
  for start = 1, count, CHUNK do
    gather_words(start == 1, unpack(words, start, start + CHUNK - 1 < count and start + CHUNK - 1 or count))
  end
  return call_gathered()
end

-- redis.call and redis.pcall. Most commands have few words: to look at each of them here is twice as fast as to put them
-- into a table.
local function caller(raises)
  return function(...)
    local count = select("#", ...)
    local name, first, second, third = ...
    local reply
    if count <= 4 then
      if type(name) ~= "string" then
        name = as_word(name)
      end
      if count > 1 and type(first) ~= "string" then
        first = as_word(first)
      end
      if count > 2 and type(second) ~= "string" then
        second = as_word(second)
      end
      if count > 3 and type(third) ~= "string" then
        third = as_word(third)
      end
      if count == 2 and name and first then
        reply = call_redis(name, first)
      elseif count == 3 and name and first and second then
        reply = call_redis(name, first, second)
      elseif count == 4 and name and first and second and third then
        reply = call_redis(name, first, second, third)
      elseif count == 1 and name then
        reply = call_redis(name)
      elseif count == 0 then
        return complain(raises, "ERR Please specify at least one argument for this redis lib call")
      else
        return complain(raises, NO_WORDS)
      end
    else
      local words = words_of(...)
      if not words then
        return complain(raises, NO_WORDS)
      end
      reply = call_by(words)
    end
    if reply == true then
      return { ok = "OK" }
    elseif reply ~= nil then
      return reply
    end
    return taken(raises, take_reply())
  end
end

-- The table `redis`

local redis = {
  LOG_DEBUG = 0, LOG_VERBOSE = 1, LOG_NOTICE = 2, LOG_WARNING = 3,
  REPL_NONE = 0, REPL_AOF = 1, REPL_SLAVE = 2, REPL_REPLICA = 2, REPL_ALL = 3,
  REDIS_VERSION = version, REDIS_VERSION_NUM = number,
}
local protocol = 2

redis.call, redis.pcall = caller(true), caller(false)

-- An error without a code is of the code ERR.
local function as_error(text)
  if sub(text, 1, 1) == "-" then
    text = sub(text, 2)
  end
  return find(text, " ", 1, true) and text or "ERR " .. text
end

local function single_string(field, ...)
  local text = ...
  if select("#", ...) ~= 1 or type(text) ~= "string" then
    return { err = "ERR wrong number or type of arguments" }
  end
  return { [field] = field == "err" and as_error(text) or text }
end

function redis.error_reply(...)
  return single_string("err", ...)
end

function redis.status_reply(...)
  return single_string("ok", ...)
end

function redis.sha1hex(...)
  local text = ...
  if select("#", ...) ~= 1 then
    complain(true, "ERR wrong number of arguments")
  elseif type(text) == "number" then
    text = tostring(text)
  end
  return hash(type(text) == "string" and text or "")
end

function redis.log(...)
  local count, level = select("#", ...), ...
  if count < 2 then
    complain(true, "ERR redis.log() requires two arguments or more.")
  elseif not tonumber(level) then
    complain(true, "ERR First argument must be a number (log level).")
  end
  level = tonumber(level)
  if level < 0 or level >= 4 then
    complain(true, "ERR Invalid debug level.")
  end
  local words = {}
  for i = 2, count do
    local word = select(i, ...)
    if type(word) == "string" or type(word) == "number" then
      words[#words + 1] = word
    end
  end
  write_log(floor(level), concat(words, " "))
end

function redis.setresp(...)
  local wanted = ...
  if select("#", ...) ~= 1 then
    complain(true, "ERR redis.setresp() requires one argument.")
  end
  wanted = tonumber(wanted)
  if wanted ~= 2 and wanted ~= 3 then
    complain(true, "ERR RESP version must be 2 or 3.")
  end
  protocol = wanted
  set_protocol(wanted)
end

function redis.set_repl(...)
  local flags = ...
  if select("#", ...) ~= 1 then
    complain(true, "ERR redis.set_repl() requires two arguments.")
  end
  flags = tonumber(flags) or 0
  if flags < 0 or flags > 3 then
    complain(true, "ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.")
  end
end

function redis.acl_check_cmd(...)
  if select("#", ...) == 0 then
    complain(true, "ERR Please specify at least one argument for this redis lib call")
  end
  local words = words_of(...)
  if not words then
    complain(true, NO_WORDS)
  end
  local permitted = is_permitted(unpack(words))
  if permitted == nil then
    complain(true, "ERR Invalid command passed to redis.acl_check_cmd()")
  end
  return permitted
end

if not is_for_functions then
  function redis.replicate_commands()
    return true
  end

  function redis.breakpoint()
    return false
  end

  function redis.debug() end
end

-- The globals

base.coroutine = view(coroutines)
base.math = view(mathematics)
for name, library in pairs(libraries) do
  base[name] = type(library) == "table" and view(library) or library
end
base.redis = view(redis)
setmetatable(base, { __index = nonexistent })
globals = view(base)
local globals_metatable = getmetatable(globals)
base._G = globals

local shown_metatable = view({ __index = base.string })
local shown_globals_metatable = view({ __index = nonexistent })

function base.getmetatable(value)
  if value == globals then
    return shown_globals_metatable
  elseif contents[value] then
    return nil
  elseif type(value) == "string" then
    return shown_metatable
  end
  return getmetatable(value)
end

-- Running

-- A script as a function, or nil and what is wrong with its text. See bytecode.py.
local function compile(text, name)
  local f, problem = base.loadstring(text, name)
  if not f then
    return nil, problem
  end
  return setfenv(load_text(without_tail_calls(dump(f))), globals)
end

-- Where an error came from: the innermost function of the script itself.
local function locate(problem)
  local level, info = 2, nil
  repeat
    info = getinfo(level, "Sl")
    level = level + 1
  until not info or (info.what ~= "C" and info.what ~= "tail" and info.short_src ~= "respstore")
  local text = problem
  if type(problem) == "table" then
    text = rawget(problem, "err")
    if type(text) ~= "string" then
      text = "ERR unknown error"
    end
  else
    text = "ERR " .. tostring(problem)
  end
  if not info then
    return { text }
  end
  return { text, info.source .. ":" .. info.currentline }
end

local out, size = {}, 0

local function put(value)
  size = size + 1
  out[size] = value
end

local flatten

local function flatten_table(value, depth)
  if depth > MAX_DEPTH then
    put(false)
    put(ERROR)
    put("ERR reached lua stack limit")
    return
  end
  local field = rawget(value, "err")
  if type(field) == "string" then
    put(false)
    put(ERROR)
    return put(field)
  end
  field = rawget(value, "ok")
  if type(field) == "string" then
    put(false)
    put(STATUS)
    return put(field)
  end
  field = rawget(value, "double")
  if type(field) == "number" then
    put(false)
    put(DOUBLE)
    return put(field)
  end
  field = rawget(value, "map")
  if type(field) == "table" then
    put(false)
    put(MAP)
    put(0)
    local place, count = size, 0
    for key, item in next, field do
      flatten(key, depth + 1)
      flatten(item, depth + 1)
      count = count + 1
    end
    out[place] = count
    return
  end
  field = rawget(value, "set")
  if type(field) == "table" then
    put(false)
    put(SET)
    put(0)
    local place, count = size, 0
    for key in next, field do
      flatten(key, depth + 1)
      count = count + 1
    end
    out[place] = count
    return
  end
  field = rawget(value, "big_number")
  if type(field) == "string" then
    put(false)
    put(BIG_NUMBER)
    return put(field)
  end
  field = rawget(value, "verbatim_string")
  if type(field) == "table" and type(rawget(field, "string")) == "string" and type(rawget(field, "format")) == "string" then
    put(false)
    put(VERBATIM)
    put(rawget(field, "format"))
    return put(rawget(field, "string"))
  end
  put(false)
  put(ARRAY)
  put(0)
  local place, count = size, 0
  while true do
    local item = rawget(value, count + 1)
    if item == nil then
      break
    end
    flatten(item, depth + 1)
    count = count + 1
  end
  out[place] = count
end

function flatten(value, depth)
  local kind = type(value)
  if kind == "string" or kind == "number" then
    put(value)
  elseif kind == "table" then
    flatten_table(value, depth)
  elseif kind == "boolean" then
    if value and protocol == 2 then
      return put(1)
    end
    put(false)
    put(value and TRUE or protocol == 3 and FALSE or NULL)
  else
    put(false)
    put(NULL)
  end
end

-- Hand over what was put, in pieces that the stack can hold.
local function hand_over()
  local count = size
  size = 0
  if count <= CHUNK then
    local function gone(...)
      out = {}
      return ...
    end
    return gone(unpack(out, 1, count))
  end
  for start = 1, count, CHUNK do
    emit(unpack(out, start, start + CHUNK - 1 < count and start + CHUNK - 1 or count))
  end
  out = {}
  return false, EMITTED
end

local function finished(ok, value)
  if not ok and value == NO_MEMORY then
    collectgarbage() -- what the script has left must not be too much for what follows
  end
  if is_killed then
    sethook(hook, "", HOOK_COUNT)
    is_killed = false -- only now: each line was a look at the clock
  end
  if not ok then
    if type(value) == "table" then
      return false, FAILED, value[1], value[2]
    end
    return false, FAILED, "ERR " .. tostring(value)
  end
  local kind = type(value)
  if kind == "string" or kind == "number" then
    return value
  elseif kind == "nil" then
    return false, NULL
  end
  size = 0
  local flat, problem = pcall(flatten, value, 1)
  if not flat then
    out, size = {}, 0
    return false, FAILED, "ERR " .. tostring(problem)
  end
  return hand_over()
end

local staged

-- Keep these for the next call: the stack does not hold all of very many.
local function stage(...)
  staged = staged or {}
  local count = #staged
  for i = 1, select("#", ...) do
    staged[count + i] = (select(i, ...))
  end
end

local function arguments(key_count, ...)
  local words = staged
  if words then
    staged = nil
  else
    words = { ... }
    if key_count == 0 then
      return {}, words
    end
  end
  local keys, others = {}, {}
  for i = 1, key_count do
    keys[i] = words[i]
  end
  for i = key_count + 1, #words do
    others[i - key_count] = words[i]
  end
  return keys, others
end

-- Run a script with its globals KEYS and ARGV.
local function run_script(f, key_count, ...)
  protocol, nested = 2, 0
  base.KEYS, base.ARGV = arguments(key_count, ...)
  return finished(xpcall(f, locate))
end

local function run_function(f, key_count, ...)
  protocol, nested = 2, 0
  local keys, words = arguments(key_count, ...)
  return finished(xpcall(function()
    return f(keys, words)
  end, locate))
end

-- Libraries of functions

local FLAGS = {
  ["no-writes"] = true, ["allow-oom"] = true, ["allow-stale"] = true, ["no-cluster"] = true,
  ["allow-cross-slot-keys"] = true,
}
local loading = {
  log = redis.log, LOG_DEBUG = 0, LOG_VERBOSE = 1, LOG_NOTICE = 2, LOG_WARNING = 3,
  REDIS_VERSION = version, REDIS_VERSION_NUM = number,
}
local registered -- while a library is loaded: its functions by name

-- A string, which a number may stand for, as wherever C asks for one.
local function as_text(value)
  if type(value) == "number" then
    return tostring(value)
  end
  return type(value) == "string" and value
end

local function named_arguments(given)
  local name, callback, description, flags = nil, nil, nil, {}
  for key, value in next, given do
    if key == "function_name" then
      value = as_text(value)
      if not value then
        complain(true, "ERR function_name argument given to redis.register_function must be a string")
      end
      name = value
    elseif key == "callback" then
      if type(value) ~= "function" then
        complain(true, "ERR callback argument given to redis.register_function must be a function")
      end
      callback = value
    elseif key == "description" then
      value = as_text(value)
      if not value then
        complain(true, "ERR description argument given to redis.register_function must be a string")
      end
      description = value
    elseif key == "flags" then
      if type(value) ~= "table" then
        complain(true, "ERR flags argument to redis.register_function must be a table representing function flags")
      end
      for i = 1, #value do
        if type(value[i]) ~= "string" or not FLAGS[value[i]] then
          complain(true, "ERR unknown flag given")
        end
        flags[i] = value[i]
      end
    else
      complain(true, "ERR unknown argument given to redis.register_function")
    end
  end
  if not name then
    complain(true, "ERR redis.register_function must get a function name argument")
  elseif not callback then
    complain(true, "ERR redis.register_function must get a callback argument")
  end
  return name, callback, description, flags
end

function loading.register_function(...)
  local count = select("#", ...)
  local name, callback = ...
  local description, flags = nil, {}
  if count < 1 or count > 2 then
    complain(true, "ERR wrong number of arguments to redis.register_function")
  elseif not registered then
    complain(true, "ERR redis.register_function can only be called on FUNCTION LOAD command")
  elseif count == 1 then
    if type(name) ~= "table" then
      complain(
        true,
        "ERR calling redis.register_function with a single argument is only applicable to Lua table (representing "
          .. "named arguments)."
      )
    end
    name, callback, description, flags = named_arguments(name)
  elseif not as_text(name) then
    complain(true, "ERR first argument to redis.register_function must be a string")
  elseif type(callback) ~= "function" then
    complain(true, "ERR second argument to redis.register_function must be a function")
  end
  name = as_text(name)
  if not find(name, "^[%w_]+$") then
    complain(
      true,
      "ERR Library names can only contain letters, numbers, or underscores(_) and must be at least one character long"
    )
  end
  for i = 1, #registered do
    if registered[i][1] == name then
      complain(true, "ERR Function already exists in the library")
    end
  end
  registered[#registered + 1] = { name, description or false, concat(flags, " "), callback }
end

setmetatable(loading, { __index = nonexistent })
local at_load = setmetatable({ redis = view(loading) }, { __index = nonexistent })

-- Run the code of a library, and hand over the functions that it has registered.
local function load_library(f)
  registered = {}
  globals_metatable.__index = at_load
  local ok, problem = xpcall(f, locate)
  globals_metatable.__index = base
  local found = registered
  registered = nil
  if not ok then
    local is_late = is_killed
    local _, kind, text, place = finished(false, problem)
    return false, kind, is_late and "ERR FUNCTION LOAD timeout" or text, place
  end
  for i = 1, #found do
    emit(unpack(found[i], 1, 4))
  end
  return true
end

if not is_for_functions then
  base.KEYS, base.ARGV = {}, {}
end
setfenv(0, {}) -- of lupa, which looks there for `debug`
sethook(hook, "", HOOK_COUNT)

return compile, run_script, run_function, stage, load_library
