package localbundle;

import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.connector.catalog.CatalogManager;
import org.apache.spark.sql.delta.catalog.DeltaCatalog;
import org.apache.spark.sql.execution.datasources.v2.V2SessionCatalog;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;

/** Another name of the one catalog that a laptop has: main.sales.orders is the table sales.orders. */
public final class CatalogAlias extends DeltaCatalog {
  @Override
  public void initialize(String name, CaseInsensitiveStringMap options) {
    CatalogManager catalogs = SparkSession.active().sessionState().catalogManager();
    setDelegateCatalog(new V2SessionCatalog(catalogs.v1SessionCatalog()));
  }
}
