/**
 * Plain names of the coins and currencies people hold most: for search, and as the second line of a row.
 *
 * A name is a help and no identity: a code is what an exchange calls it. Codes that two exchanges use for different
 * coins, or that were given away again, are left out rather than named wrongly.
 */

import type { Language } from "./language";

const COINS: ReadonlyMap<string, string> = new Map([
  ["1INCH", "1inch"],
  ["AAVE", "Aave"],
  ["ADA", "Cardano"],
  ["ALGO", "Algorand"],
  ["APE", "ApeCoin"],
  ["APT", "Aptos"],
  ["ARB", "Arbitrum"],
  ["ATOM", "Cosmos"],
  ["AVAX", "Avalanche"],
  ["AXS", "Axie Infinity"],
  ["BAT", "Basic Attention Token"],
  ["BCH", "Bitcoin Cash"],
  ["BNB", "BNB"],
  ["BONK", "Bonk"],
  ["BTC", "Bitcoin"],
  ["CAKE", "PancakeSwap"],
  ["CHZ", "Chiliz"],
  ["COMP", "Compound"],
  ["CRV", "Curve DAO Token"],
  ["DAI", "Dai"],
  ["DASH", "Dash"],
  ["DOGE", "Dogecoin"],
  ["DOT", "Polkadot"],
  ["DYDX", "dYdX"],
  ["EGLD", "MultiversX"],
  ["ENA", "Ethena"],
  ["ENJ", "Enjin Coin"],
  ["ENS", "Ethereum Name Service"],
  ["ETC", "Ethereum Classic"],
  ["ETH", "Ethereum"],
  ["ETHW", "EthereumPoW"],
  ["FDUSD", "First Digital USD"],
  ["FIL", "Filecoin"],
  ["FLOKI", "Floki"],
  ["FLOW", "Flow"],
  ["GALA", "Gala"],
  ["GRT", "The Graph"],
  ["HBAR", "Hedera"],
  ["ICP", "Internet Computer"],
  ["IMX", "Immutable"],
  ["INJ", "Injective"],
  ["IOTA", "IOTA"],
  ["JUP", "Jupiter"],
  ["KAVA", "Kava"],
  ["LDO", "Lido DAO"],
  ["LINK", "Chainlink"],
  ["LTC", "Litecoin"],
  ["MANA", "Decentraland"],
  ["MATIC", "Polygon"],
  ["NEAR", "NEAR Protocol"],
  ["NEO", "Neo"],
  ["ONDO", "Ondo"],
  ["OP", "Optimism"],
  ["PAXG", "PAX Gold"],
  ["PENDLE", "Pendle"],
  ["PEPE", "Pepe"],
  ["POL", "Polygon"],
  ["QNT", "Quant"],
  ["RENDER", "Render"],
  ["RUNE", "THORChain"],
  ["SAND", "The Sandbox"],
  ["SEI", "Sei"],
  ["SHIB", "Shiba Inu"],
  ["SNX", "Synthetix"],
  ["SOL", "Solana"],
  ["STX", "Stacks"],
  ["SUI", "Sui"],
  ["SUSHI", "SushiSwap"],
  ["THETA", "Theta Network"],
  ["TIA", "Celestia"],
  ["TON", "Toncoin"],
  ["TRX", "TRON"],
  ["TUSD", "TrueUSD"],
  ["UNI", "Uniswap"],
  ["USDC", "USD Coin"],
  ["USDT", "Tether"],
  ["VET", "VeChain"],
  ["WBTC", "Wrapped Bitcoin"],
  ["WIF", "dogwifhat"],
  ["WLD", "Worldcoin"],
  ["XLM", "Stellar"],
  ["XMR", "Monero"],
  ["XRP", "XRP"],
  ["XTZ", "Tezos"],
  ["YFI", "yearn.finance"],
  ["ZEC", "Zcash"],
]);

type Translated = Readonly<Record<Language, string>>;

const FIAT: ReadonlyMap<string, Translated> = new Map<string, Translated>([
  ["AUD", { tr: "Avustralya doları", en: "Australian dollar" }],
  ["BRL", { tr: "Brezilya reali", en: "Brazilian real" }],
  ["CHF", { tr: "İsviçre frangı", en: "Swiss franc" }],
  ["EUR", { tr: "Euro", en: "Euro" }],
  ["GBP", { tr: "İngiliz sterlini", en: "Pound sterling" }],
  ["JPY", { tr: "Japon yeni", en: "Japanese yen" }],
  ["PLN", { tr: "Polonya zlotisi", en: "Polish zloty" }],
  ["RON", { tr: "Romen leyi", en: "Romanian leu" }],
  ["TRY", { tr: "Türk lirası", en: "Turkish lira" }],
  ["UAH", { tr: "Ukrayna grivnası", en: "Ukrainian hryvnia" }],
  ["USD", { tr: "ABD doları", en: "US dollar" }],
]);

/** The plain name of a coin, or of a currency in that language; null where we know none. */
export function assetName(code: string, language: Language = "en"): string | null {
  return COINS.get(code) ?? FIAT.get(code)?.[language] ?? null;
}

/** Every name that an asset is searched by, in all languages. */
export function searchNames(code: string): readonly string[] {
  const coin = COINS.get(code);
  if (coin !== undefined) {
    return [coin];
  }
  const fiat = FIAT.get(code);
  return fiat === undefined ? [] : [fiat.tr, fiat.en];
}
