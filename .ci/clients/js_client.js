// Trades at a practice venue with the unmodified @deriv/deriv-api, over the legacy protocol and over the current one.
//
//     node js_client.js HOST:PORT ACCOUNT TOKEN
"use strict";

const assert = require("node:assert/strict");
// Each message comes as an event of its own, as in a browser, however many a packet brings: the client counts on it.
global.WebSocket = class extends WebSocket {
  set onmessage(take) {
    super.onmessage = (event) => setImmediate(take, event);
  }
};
const DerivAPI = require("@deriv/deriv-api/dist/DerivAPI");
const DerivAPIBasic = require("@deriv/deriv-api/dist/DerivAPIBasic");

const PATIENCE = 20_000;
const STAKE = 10;
const TERMS = { amount: STAKE, basis: "stake", contract_type: "PUT", currency: "USD", duration_unit: "m" };

async function main(address, account, token) {
  await overLegacy(address, token);
  await overCurrent(address, account, token);
  console.log("@deriv/deriv-api: ticks, candles, proposals, purchases, settlements and sales agree, over both protocols");
}

async function overLegacy(address, token) {
  const api = new DerivAPI({ endpoint: `ws://${address}`, app_id: 1089, lang: "EN" });
  const account = await within(api.account(token), "account");
  assert.ok(account.balance.amount.value > 0);
  const ticks = await within(api.ticks("R_100"), "ticks");
  await within(new Promise((resolve) => ticks.onUpdate(resolve)), "a tick");
  const candles = await within(api.candles("R_100"), "candles");
  assert.ok(candles.list.length > 100, "candles of the past");
  const contract = await within(
    api.contract({ ...TERMS, symbol: "R_100", duration: 1 }),
    "a proposal"
  );
  await within(contract.buy(), "a purchase");
  await within(
    new Promise((resolve) => {
      const look = () => contract.is_sold && resolve();
      contract.onUpdate(look);
      look(); // on a slow machine it is over by now
    }),
    "a settlement"
  );
  assert.ok(["won", "lost"].includes(contract.status.toString()), `${contract.status}`);
  api.basic.disconnect();
}

async function overCurrent(address, account, token) {
  const headers = { Authorization: `Bearer ${token}`, "Deriv-App-ID": "practice" };
  const asked = await fetch(`http://${address}/trading/v1/options/accounts/${account}/otp`, { method: "POST", headers });
  const connection = new WebSocket((await asked.json()).data.url);
  const api = new DerivAPIBasic({ connection });
  const send = (request) => within(api.send(request), Object.keys(request)[0]);
  const { proposal } = await send({ proposal: 1, ...TERMS, underlying_symbol: "R_100", duration: 15, amount: 10.75 });
  assert.equal(proposal.ask_price, 10.75);
  const { buy } = await send({ buy: proposal.id, price: proposal.ask_price });
  await within(
    new Promise((resolve) =>
      api
        .subscribe({ proposal_open_contract: 1, contract_id: buy.contract_id })
        .subscribe((frame) => frame.proposal_open_contract.is_valid_to_sell && resolve())
    ),
    "a contract that may be sold"
  );
  const { sell } = await send({ sell: buy.contract_id, price: 0 });
  const { statement } = await send({ statement: 1, limit: 2 });
  assert.deepEqual(
    statement.transactions.map((each) => [each.action_type, each.amount]),
    [["sell", sell.sold_for], ["buy", -10.75]]
  );
  const { portfolio } = await send({ portfolio: 1 });
  assert.deepEqual(portfolio.contracts, []);
  connection.close();
}

function within(promise, what) {
  const late = new Promise((_, reject) => setTimeout(() => reject(new Error(`no ${what} in time`)), PATIENCE).unref());
  return Promise.race([promise, late]);
}

main(...process.argv.slice(2)).then(
  () => process.exit(0),
  (error) => {
    console.error(error.error ?? error.stack.split("\n").slice(-12).join("\n"));
    process.exit(1);
  }
);
