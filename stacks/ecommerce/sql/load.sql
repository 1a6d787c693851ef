-- Sections "-- @ <dataset> stage" and "-- @ <dataset> merge": load_warehouse.py runs the first,
-- COPYs the new files into stage_<dataset>, and runs the second, all in one transaction. The
-- columns of a stage are those of the Parquet files, in their order.

-- @ customers stage
CREATE TEMP TABLE stage_customers (LIKE warehouse.dim_customers);

-- @ customers merge
-- MERGE wants at most one row a key: the latest.
CREATE TEMP TABLE new_customers AS
SELECT * FROM stage_customers
QUALIFY ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY updated_at DESC NULLS LAST, processed_at DESC) = 1;

MERGE INTO warehouse.dim_customers USING new_customers AS new
ON warehouse.dim_customers.customer_id = new.customer_id
WHEN MATCHED THEN UPDATE SET
    first_name = new.first_name, last_name = new.last_name, email = new.email, city = new.city,
    state = new.state, country = new.country, updated_at = new.updated_at, processed_at = new.processed_at
WHEN NOT MATCHED THEN INSERT VALUES (
    new.customer_id, new.first_name, new.last_name, new.email, new.city,
    new.state, new.country, new.updated_at, new.processed_at);

-- @ products stage
CREATE TEMP TABLE stage_products (LIKE warehouse.dim_products);

-- @ products merge
CREATE TEMP TABLE new_products AS
SELECT * FROM stage_products
QUALIFY ROW_NUMBER() OVER (PARTITION BY product_id ORDER BY updated_at DESC NULLS LAST, processed_at DESC) = 1;

MERGE INTO warehouse.dim_products USING new_products AS new
ON warehouse.dim_products.product_id = new.product_id
WHEN MATCHED THEN UPDATE SET
    product_name = new.product_name, category = new.category, brand = new.brand, price = new.price,
    cost = new.cost, updated_at = new.updated_at, processed_at = new.processed_at
WHEN NOT MATCHED THEN INSERT VALUES (
    new.product_id, new.product_name, new.category, new.brand, new.price,
    new.cost, new.updated_at, new.processed_at);

-- @ orders stage
CREATE TEMP TABLE stage_orders (LIKE warehouse.fact_orders);

-- @ orders merge
CREATE TEMP TABLE new_orders AS
SELECT * FROM stage_orders
QUALIFY ROW_NUMBER() OVER (PARTITION BY order_id, product_id ORDER BY processed_at DESC) = 1;

MERGE INTO warehouse.fact_orders USING new_orders AS new
ON warehouse.fact_orders.order_id = new.order_id AND warehouse.fact_orders.product_id = new.product_id
WHEN MATCHED THEN UPDATE SET
    customer_id = new.customer_id, order_date = new.order_date, quantity = new.quantity,
    unit_price = new.unit_price, total_amount = new.total_amount, processed_at = new.processed_at
WHEN NOT MATCHED THEN INSERT VALUES (
    new.order_id, new.customer_id, new.product_id, new.order_date, new.quantity,
    new.unit_price, new.total_amount, new.processed_at);

-- Orders may be there before their customer or product: a placeholder keeps joins whole until the
-- dimension arrives.
INSERT INTO warehouse.dim_customers (customer_id, email, processed_at)
SELECT DISTINCT new.customer_id, 'unknown', CAST('1970-01-01' AS TIMESTAMP)
FROM new_orders AS new
LEFT JOIN warehouse.dim_customers AS old ON old.customer_id = new.customer_id
WHERE old.customer_id IS NULL;

INSERT INTO warehouse.dim_products (product_id, product_name, price, processed_at)
SELECT new.product_id, 'unknown', MAX(new.unit_price), CAST('1970-01-01' AS TIMESTAMP)
FROM new_orders AS new
LEFT JOIN warehouse.dim_products AS old ON old.product_id = new.product_id
WHERE old.product_id IS NULL
GROUP BY new.product_id;

INSERT INTO warehouse.dim_date (date_id, "date", year, quarter, month, day_of_week)
SELECT DISTINCT
    CAST(TO_CHAR(new.order_date, 'YYYYMMDD') AS INTEGER), new.order_date,
    EXTRACT(year FROM new.order_date), EXTRACT(quarter FROM new.order_date),
    EXTRACT(month FROM new.order_date), EXTRACT(dow FROM new.order_date)
FROM new_orders AS new
LEFT JOIN warehouse.dim_date AS old ON old."date" = new.order_date
WHERE old."date" IS NULL;
